/** One room: its messages, its members, its order, and everyone who listens. */
import { nanoid } from "nanoid";
import { type Connection, type ConnectionContext, Server } from "partyserver";
import { answerableCode } from "../../core/closing.ts";
import { markFrame } from "../../core/replay.ts";
import { may } from "../../core/rights.ts";
import type { DeleteFrame, EditFrame, ReactFrame, ReadFrame } from "../../protocol/clientFrames.ts";
import { defaultRoomSettings, type Member, type Message, type RoomSettings } from "../../protocol/message.ts";
import type { RoomPolicy } from "../../protocol/policy.ts";
import { type Refusal, type RefusalCode, refusals, refuse } from "../../protocol/refusals.ts";
import type { Page } from "../../protocol/serverFrames.ts";
import type { Session } from "../../protocol/session.ts";
import { Alarms } from "../alarms.ts";
import { type ObjectBindings, parseRoomObjectName, tenantStub } from "../stubs.ts";
import { edit, remove } from "./edit.ts";
import { flush } from "./flush.ts";
import {
  type Bounds,
  type ChangesPage,
  changesPage,
  epochOf,
  headCursor,
  mayRead,
  page,
  type Wanted,
} from "./history.ts";
import { admitSocket, join, joinHeader, JoinRequest } from "./join.ts";
import { type MemberRequest, mute, type MuteRequest, read, setMember } from "./membership.ts";
import { Pacer } from "./pacer.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { publish, type PublishRequest } from "./publish.ts";
import { type Admitted, type Entry, type Outcome, Queue, settle } from "./queue.ts";
import { Rates } from "./rates.ts";
import { react } from "./react.ts";
import { receive } from "./receive.ts";
import { erasure, retention, sweepExpired } from "./removal.ts";
import { Roster } from "./roster.ts";
import { configure, type SettingsPatch } from "./settings.ts";
import { standingOf } from "./standing.ts";
import { Store } from "./store.ts";

/** Who calls over HTTP, as the edge has verified it, and what the tenant has decided. */
export interface Caller {
  readonly session: Session;
  readonly policy: RoomPolicy;
}

export interface RoomInfo {
  readonly name: string;
  readonly head: number;
  readonly oldest: number;
  readonly epoch: string;
  readonly cursor: string;
  readonly online: number;
  readonly settings: RoomSettings;
}

type Answer<T> = ({ readonly ok: true } & T) | Refusal;
type Job = "expiry" | "report";

/** How old the tenant's directory of rooms may be. */
const reportAfterMs = 10_000;

export class Room extends Server<ObjectBindings & Cloudflare.Env> {
  static override options = { hibernate: true };

  readonly #tenant: string;
  readonly #parts: RoomParts;
  readonly #alarms: Alarms<Job>;
  readonly #pacer: Pacer;
  #lastFlushMs = 0;
  #markTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(ctx: DurableObjectState, env: ObjectBindings & Cloudflare.Env) {
    super(ctx, env);
    const { tenant, room } = parseRoomObjectName(this.name);
    const roster = new Roster(this.name, ctx.getWebSockets());
    this.#tenant = tenant;
    this.#parts = {
      name: room,
      generation: env.GENERATION,
      store: new Store(ctx.storage),
      queue: new Queue(),
      rates: new Rates(),
      roster,
    };
    this.#alarms = new Alarms(ctx.storage);
    this.#pacer = new Pacer({
      storage: ctx.storage,
      queue: this.#parts.queue,
      roster,
      flush: (nowMs) => this.#flush(nowMs),
    });
    // Keep-alives are answered without waking the room.
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('{"type":"ping"}', '{"type":"pong"}'));
    // What was on its way when the memory went is noticed by the mark, unless a flush of the same event tells it.
    if (roster.size > 0) this.#markTimer = setTimeout(() => this.#mark(), 0);
  }

  // Calls from the Worker.

  /** Makes the room, or confirms it: `created` says which. */
  async create(caller: Caller, patch: SettingsPatch): Promise<Answer<{ created: boolean; room: RoomInfo }>> {
    const created = this.#parts.store.room === null || this.#parts.store.room.deletedAtMs !== null;
    if (created && !may(caller.session, null, "manage"))
      return refuse("forbidden", "This needs the capability `manage`.");
    const refused = created ? await this.#make(caller.policy, true) : null;
    if (refused !== null) return refused;
    const outcome = await this.configure(caller, patch);
    return outcome.ok ? { ok: true, created, room: this.#info() } : outcome;
  }

  async configure(caller: Caller, patch: SettingsPatch): Promise<Answer<{ room: RoomInfo }>> {
    const outcome = await this.#change(caller, (parts) => configure(parts, caller.session, patch));
    return outcome.ok ? { ok: true, room: this.#info() } : outcome;
  }

  async describe(caller: Caller): Promise<Answer<{ room: RoomInfo }>> {
    const refused = (await this.#open(caller)) ?? mayRead(this.#parts, caller.session);
    return refused ?? { ok: true, room: this.#info() };
  }

  /** Ends the room: its history is removed, its sockets are told, and its name answers 410. */
  async delete(caller: Caller): Promise<Answer<object>> {
    const refused = await this.#open(caller);
    if (refused !== null) return refused;
    if (!may(caller.session, standingOf(this.#parts, caller.session).role, "manage"))
      return refuse("forbidden", "This needs the capability `manage`.");
    await tenantStub(this.env, this.#tenant).forgetRoom(this.#parts.name);
    const { store, roster } = this.#parts;
    this.#pacer.flushNow(Date.now());
    store.transaction(() => store.deleteRoom(Date.now()));
    roster.closeAll("room_deleted");
    return { ok: true };
  }

  async publish(
    caller: Caller,
    request: PublishRequest,
  ): Promise<Answer<{ duplicate: boolean; message: Message | null; cursor: string }>> {
    const refused = await this.#open(caller, "publish");
    if (refused !== null) return refused;
    const outcome = await this.#change(caller, (parts, nowMs) => publish(parts, caller.session, request, nowMs));
    if (!outcome.ok) return outcome;
    return {
      ok: true,
      duplicate: outcome.duplicate,
      message: this.#parts.store.message(outcome.id, Date.now()),
      cursor: headCursor(this.#parts),
    };
  }

  async edit(caller: Caller, frame: EditFrame): Promise<Answer<{ message: Message | null; cursor: string }>> {
    return this.#changeMessage(await this.#change(caller, (parts, nowMs) => edit(parts, caller.session, frame, nowMs)));
  }

  async remove(caller: Caller, frame: DeleteFrame): Promise<Answer<{ message: Message | null; cursor: string }>> {
    return this.#changeMessage(
      await this.#change(caller, (parts, nowMs) => remove(parts, caller.session, frame, nowMs)),
    );
  }

  async react(caller: Caller, frame: ReactFrame): Promise<Answer<{ message: Message | null; cursor: string }>> {
    return this.#changeMessage(
      await this.#change(caller, (parts, nowMs) => react(parts, caller.session, frame, nowMs)),
    );
  }

  async read(caller: Caller, frame: Pick<ReadFrame, "upTo">): Promise<Outcome> {
    return this.#change(caller, (parts) => read(parts, caller.session, frame));
  }

  async setMember(caller: Caller, request: MemberRequest): Promise<Answer<{ member: Member }>> {
    const outcome = await this.#change(caller, (parts) => setMember(parts, caller.session, request));
    const seq = outcome.ok ? outcome.seq : 0;
    return outcome.ok
      ? { ok: true, member: { user: request.user, name: request.name, role: request.role, seq } }
      : outcome;
  }

  async mute(caller: Caller, request: MuteRequest): Promise<Answer<object>> {
    return (await this.#open(caller)) ?? mute(this.#parts, caller.session, request);
  }

  async messages(caller: Caller, bounds: Bounds): Promise<Answer<Page>> {
    return (await this.#open(caller)) ?? page(this.#parts, caller.session, bounds, Date.now());
  }

  async message(caller: Caller, id: number): Promise<Answer<{ message: Message; cursor: string }>> {
    const refused = (await this.#open(caller)) ?? mayRead(this.#parts, caller.session);
    if (refused !== null) return refused;
    const message = this.#parts.store.message(id, Date.now());
    return message === null
      ? refuse("not_found", "There is no such message.")
      : { ok: true, message, cursor: headCursor(this.#parts) };
  }

  async changes(caller: Caller, wanted: Wanted): Promise<ChangesPage | Refusal> {
    return (await this.#open(caller)) ?? changesPage(this.#parts, caller.session, wanted, Date.now());
  }

  async members(
    caller: Caller,
    { after, limit }: { after: string; limit: number },
  ): Promise<Answer<{ members: Member[]; cursor: string }>> {
    const refused = (await this.#open(caller)) ?? mayRead(this.#parts, caller.session);
    return refused ?? { ok: true, members: this.#parts.store.members(after, limit), cursor: headCursor(this.#parts) };
  }

  async reactions(
    caller: Caller,
    id: number,
    limit: number,
  ): Promise<Answer<{ reactions: { emoji: string; user: string; at: number }[] }>> {
    const found = await this.message(caller, id);
    return found.ok ? { ok: true, reactions: this.#parts.store.reactions(id, null, limit) } : found;
  }

  async readPositions(caller: Caller, limit: number): Promise<Answer<{ positions: { user: string; upTo: number }[] }>> {
    const refused = (await this.#open(caller)) ?? mayRead(this.#parts, caller.session);
    return refused ?? { ok: true, positions: this.#parts.store.newestReadPositions(limit) };
  }

  // Calls from the tenant's object. They concern rooms that exist; another has nothing to do.

  /** Removes the messages below `oldest`. */
  async retain(oldest: number): Promise<void> {
    await this.#work((parts) => retention(parts, oldest));
  }

  /** Removes every trace of a user. */
  async erase(user: string): Promise<void> {
    await this.#work((parts) => erasure(parts, user));
  }

  closeAll(error: RefusalCode): void {
    this.#parts.roster.closeAll(error);
  }

  // Events from the platform.

  /** Refusals come before partyserver sees the request: it would write the name of a room that does not exist. */
  override async fetch(request: Request): Promise<Response> {
    const joining = joinRequestOf(request);
    const refused = (await this.#open(joining, "publish")) ?? admitSocket(this.#parts, joining);
    if (refused !== null) return Response.json(refused, { status: refusals[refused.error].status });
    return super.fetch(request);
  }

  override onConnect(connection: Connection, { request }: ConnectionContext): void {
    const joining = joinRequestOf(request);
    connection.setState(joining.session);
    join(this.#parts, connection, joining, Date.now());
    this.#scheduleReport();
  }

  /**
   * In partyserver's place: it deserialises the attachment and awaits its start for every message, and would lose what is
   * thrown. Nothing here is awaited: the platform reads a socket's next frame only when this one's handler has ended.
   */
  override async webSocketMessage(socket: WebSocket, raw: string | ArrayBuffer): Promise<void> {
    const seat = this.#parts.roster.find(socket);
    // Closed by us while this frame was on its way.
    if (seat === undefined) return;
    try {
      receive(this.#parts, seat, raw, Date.now());
      this.#pacer.settle(Date.now());
    } catch (error) {
      // The frame's content is not logged.
      console.error("a frame failed", error);
      this.#parts.roster.refuse(seat, refuse("internal"), undefined);
    }
    this.#parts.roster.deliver();
  }

  /** A close must be answered, or the peer waits and two descriptors leak; 1005, 1006 and 1015 may never be sent. */
  override onClose(connection: Connection, code: number, reason: string): void {
    this.#parts.roster.remove(connection);
    const answer = answerableCode(code);
    connection.close(answer, answer === code ? reason : "");
    this.#scheduleReport();
  }

  override onError(connection: Connection): void {
    this.#parts.roster.remove(connection);
  }

  override async onAlarm(): Promise<void> {
    const nowMs = Date.now();
    await this.#alarms.run(nowMs, {
      expiry: () => {
        const nextMs = sweepExpired(this.#parts, nowMs);
        if (nextMs !== null) this.#alarms.schedule("expiry", nextMs);
      },
      report: () => this.#report(),
    });
  }

  // The rest is wiring.

  /** A refusal, or null when the room exists. A publisher's room comes to be, where the tenant allows it. */
  async #open({ session, policy }: Caller, wanted?: "publish"): Promise<Refusal | null> {
    const { store } = this.#parts;
    if (store.room === null) {
      const creates = wanted === "publish" && policy.autoCreate && may(session, null, "publish");
      return creates ? this.#make(policy, false) : refuse("not_found", "There is no such room.");
    }
    if (store.room.deletedAtMs !== null) return refuse("room_deleted");
    if (policy.version > store.room.policy.version) store.savePolicy(policy);
    return null;
  }

  /** Registers with the tenant before the first write, so that erasure finds every room. */
  async #make(policy: RoomPolicy, again: boolean): Promise<Refusal | null> {
    const refused = await tenantStub(this.env, this.#tenant).registerRoom(this.#parts.name, again);
    if (!refused.ok) return refused;
    const { store } = this.#parts;
    // Another caller may have made it while this one waited.
    if (store.room === null || store.room.deletedAtMs !== null) {
      store.create({ epoch: nanoid(), settings: defaultRoomSettings, policy }, Date.now());
    }
    return null;
  }

  async #change(caller: Caller, admit: (parts: RoomParts, nowMs: number) => Admitted): Promise<Outcome> {
    const refused = await this.#open(caller);
    if (refused !== null) return refused;
    return this.#settled(admit(this.#parts, Date.now()));
  }

  async #work(make: (parts: RoomParts) => Entry): Promise<void> {
    if (this.#parts.store.room === null || this.#parts.store.room.deletedAtMs !== null) return;
    await this.#settled({ ok: true, entry: make(this.#parts), joins: false });
  }

  /** Resolves when the flush has stored it: the answer leaves when that is on disk. */
  #settled(admitted: Admitted): Promise<Outcome> {
    return new Promise((resolve) => {
      settle(this.#parts.queue, admitted, resolve);
      this.#pacer.settle(Date.now());
    });
  }

  #changeMessage(outcome: Outcome): Answer<{ message: Message | null; cursor: string }> {
    if (!outcome.ok) return outcome;
    return { ok: true, message: this.#parts.store.message(outcome.id, Date.now()), cursor: headCursor(this.#parts) };
  }

  #flush(nowMs: number): void {
    this.#lastFlushMs = nowMs;
    const headBefore = this.#parts.store.head;
    const log = flush(this.#parts, nowMs);
    if (log === null) return;
    if (this.#parts.store.head > headBefore) this.#forgetMark();
    if (log.soonestExpiryMs < Infinity) this.#alarms.schedule("expiry", log.soonestExpiryMs);
    this.#scheduleReport();
  }

  #forgetMark(): void {
    if (this.#markTimer !== null) clearTimeout(this.#markTimer);
    this.#markTimer = null;
  }

  #mark(): void {
    this.#markTimer = null;
    if (this.#parts.store.room !== null) this.#parts.roster.announce([markFrame(this.#parts.store.head)]);
  }

  #info(): RoomInfo {
    const { name, store, roster } = this.#parts;
    const { oldest, settings } = stateOf(this.#parts);
    return {
      name,
      head: store.head,
      oldest,
      epoch: epochOf(this.#parts),
      cursor: headCursor(this.#parts),
      online: roster.countOnline(),
      settings,
    };
  }

  #scheduleReport(): void {
    if (this.#parts.store.room !== null) this.#alarms.schedule("report", Date.now() + reportAfterMs);
  }

  async #report(): Promise<void> {
    const { name, store, roster } = this.#parts;
    if (store.room === null || store.room.deletedAtMs !== null) return;
    await tenantStub(this.env, this.#tenant).reportRoom(name, {
      messages: store.countMessages(),
      members: store.countMembers(),
      online: roster.countOnline(),
      lastActivityAtMs: this.#lastFlushMs || null,
    });
  }
}

function joinRequestOf(request: Request): JoinRequest {
  return JoinRequest.parse(JSON.parse(decodeURIComponent(request.headers.get(joinHeader) ?? "null")));
}
