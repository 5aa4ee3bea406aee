/** One room: its messages, its members, its order, and everyone who listens. */
import { type Connection, type ConnectionContext, Server } from "partyserver";
import { unfitMessage } from "../../core/admission.ts";
import { answerableCode } from "../../core/closing.ts";
import { may, needs } from "../../core/rights.ts";
import type { DeleteFrame, EditFrame, ReactFrame, ReadFrame } from "../../protocol/clientFrames.ts";
import type { Member, Message } from "../../protocol/message.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, type RefusalCode, refusals, refuse } from "../../protocol/refusals.ts";
import type { LimitLevel, Page, PresencePage } from "../../protocol/serverFrames.ts";
import type { RoomPolicy } from "../../protocol/policy.ts";
import type { Session } from "../../protocol/session.ts";
import { Alarms } from "../alarms.ts";
import { parseRoomObjectName, type RoomBindings, tenantStub } from "../stubs.ts";
import type { Flag } from "../tenant/flags.ts";
import { Tickets } from "../tickets.ts";
import { Account } from "./account.ts";
import { presencePage } from "./attendance.ts";
import { type ChangesPage, changesPage, type Wanted } from "./catchUp.ts";
import { Deeds } from "./deeds.ts";
import { edit, remove } from "./edit.ts";
import { Bans, type Sanctioned } from "./bans.ts";
import { type Caller, create, dissolve, end, open, openOrMake, renew, welcomes } from "./existence.ts";
import { flag, type FlagRequest } from "./flag.ts";
import { flush } from "./flush.ts";
import { heed } from "./heed.ts";
import { askHook } from "./hook.ts";
import { infoOf, report, type RoomInfo, type Unread, unreadOf } from "./info.ts";
import { admitSocket, join, joinHeader, JoinRequest } from "./join.ts";
import { levelsOf } from "./levels.ts";
import { Mark } from "./mark.ts";
import { type MemberRequest, setMember } from "./members.ts";
import { ban, type BanRequest, kick, type KickRequest, mute, type MuteRequest, sanctioned } from "./moderation.ts";
import { Pacer } from "./pacer.ts";
import { type Bounds, page } from "./pages.ts";
import type { RoomParts } from "./parts.ts";
import { headCursor } from "./position.ts";
import { Presence } from "./presence.ts";
import { publish, type PublishRequest } from "./publish.ts";
import { type Admitted, type Entry, type Outcome, Queue, settle } from "./queue.ts";
import { Rates } from "./rates.ts";
import { react } from "./react.ts";
import { read } from "./readPositions.ts";
import { receive } from "./receive.ts";
import { Refresher } from "./refresh.ts";
import { erasure, retention, sweepExpired } from "./removal.ts";
import { Roster } from "./roster.ts";
import { memberOf } from "./rows.ts";
import { configure, type SettingsPatch } from "./settings.ts";
import { lacks, standingOf } from "./standing.ts";
import { Store } from "./store/store.ts";
import { viewerOf } from "./viewer.ts";
import { sweep, sweepDeaf } from "./sweep.ts";
import { endTokens } from "./tokens.ts";

type Answer<T> = ({ readonly ok: true } & T) | Refusal;
/** `message` is null for who may not read, and when it has gone meanwhile. */
type MessageAnswer = Answer<{ message: Message | null; cursor: string; levels: readonly LimitLevel[] }>;
type Job = "expiry" | "report" | "presence" | "sweep" | "tickets" | "tokens" | "deeds";

/** A room's part of the time in which many write down what one push has done. */
const writeSpreadMs = 1;
/** How old the tenant's directory of rooms may be. */
const reportAfterMs = 10_000;

export class Room extends Server<RoomBindings & Cloudflare.Env> {
  static override options = { hibernate: true };

  readonly #parts: RoomParts;
  readonly #alarms: Alarms<Job>;
  readonly #pacer: Pacer;
  readonly #mark: Mark;
  #later: ReturnType<typeof setTimeout> | null = null;

  constructor(ctx: DurableObjectState, env: RoomBindings & Cloudflare.Env) {
    super(ctx, env);
    const { tenant, room: name } = parseRoomObjectName(this.name);
    const store = new Store(ctx.storage);
    const presence = new Presence(() => this.#settle(Date.now()));
    const roster = new Roster(this.name, ctx.getWebSockets(), presence);
    if (store.room !== null) presence.recover(store, store.room.policy.limits.presenceMembers, Date.now());
    const registry = tenantStub(env, tenant);
    const queue: Queue = new Queue(
      () => account.spend(Date.now()),
      () => this.#wake(),
      // A room without sockets is told nothing: what was decided while it waited is asked for.
      async () => void (roster.size === 0 && (await account.renew())),
    );
    const account: Account = new Account({
      queue,
      sockets: () => roster.size,
      ask: (asked) =>
        registry.account({
          room: name,
          policyVersion: store.room?.policy.version ?? 0,
          sockets: roster.size,
          ...asked,
        }),
      onPolicy: (policy) => void heed(this.#parts, policy).then(() => this.#wake(), unasked),
      onSettled: () => this.#wake(),
    });
    this.#parts = {
      name,
      tenant,
      generation: env.GENERATION,
      store,
      queue,
      rates: new Rates(),
      account,
      roster,
      presence,
      registry,
      refresher: new Refresher(env, tenant, () => this.#wake()),
      bans: new Bans(ctx.storage),
      askHook: (hook, question) => askHook(env, hook, question),
      tickets: new Tickets(ctx.storage),
      deeds: new Deeds(ctx.storage, name, registry, (atMs) => this.#alarms.schedule("deeds", atMs)),
      bookTokens: (atMs) => this.#alarms.schedule("tokens", atMs),
      pingedAtMs: (socket) => ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? null,
    };
    this.#alarms = new Alarms(ctx.storage);
    this.#pacer = new Pacer({ storage: ctx.storage, queue, roster, flush: (nowMs) => this.#flush(nowMs) });
    this.#mark = new Mark(store, roster);
    // Keep-alives are answered without waking the room.
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('{"type":"ping"}', '{"type":"pong"}'));
  }

  // Calls from the Worker.

  async create(caller: Caller, patch: SettingsPatch): Promise<Answer<{ created: boolean; room: RoomInfo }>> {
    const made = await create(this.#parts, caller);
    if (!made.ok) return made;
    const configured = await this.configure(caller, patch, made.created);
    return configured.ok ? { ...configured, created: made.created } : configured;
  }

  async configure(caller: Caller, patch: SettingsPatch, founding = false): Promise<Answer<{ room: RoomInfo }>> {
    const outcome = await this.#change(caller, (parts) => configure(parts, caller.session, patch, founding));
    return outcome.ok ? { ok: true, room: infoOf(this.#parts, caller.session, Date.now()) } : outcome;
  }

  async delete(caller: Caller): Promise<Answer<object>> {
    const refused = await end(this.#parts, caller, () => this.#pacer.flushNow(Date.now()));
    if (refused !== null) return refused;
    this.#parts.presence.forget();
    this.#scheduleReport();
    return { ok: true };
  }

  async publish(caller: Caller, request: PublishRequest): Promise<MessageAnswer & { duplicate?: boolean }> {
    // A message that cannot be stored makes no room.
    const unfit = this.#parts.store.room === null ? unfitMessage(request, caller.policy.limits) : null;
    const refused = unfit ?? (await renew(this.#parts, caller)) ?? (await openOrMake(this.#parts, caller));
    if (refused !== null) return refused;
    const outcome = await this.#change(caller, (parts, nowMs) => publish(parts, caller.session, request, nowMs));
    if (!outcome.ok) return outcome;
    // What was published just now is the caller's own; of an earlier one only a reader sees what became of it.
    return { ...this.#messageAnswer(caller, outcome, !outcome.duplicate), duplicate: outcome.duplicate };
  }

  async edit(caller: Caller, frame: EditFrame): Promise<MessageAnswer> {
    const outcome = await this.#change(caller, (parts, nowMs) => edit(parts, caller.session, frame, nowMs));
    return this.#messageAnswer(caller, outcome);
  }

  async remove(caller: Caller, frame: DeleteFrame): Promise<MessageAnswer> {
    const outcome = await this.#change(caller, (parts, nowMs) => remove(parts, caller.session, frame, nowMs));
    return this.#messageAnswer(caller, outcome);
  }

  async react(caller: Caller, frame: ReactFrame): Promise<MessageAnswer> {
    const outcome = await this.#change(caller, (parts, nowMs) => react(parts, caller.session, frame, nowMs));
    return this.#messageAnswer(caller, outcome);
  }

  async read(caller: Caller, frame: Pick<ReadFrame, "upTo">): Promise<Outcome> {
    return this.#change(caller, (parts, nowMs) => read(parts, caller.session, frame, nowMs));
  }

  async setMember(caller: Caller, request: MemberRequest): Promise<Answer<{ member: Member }>> {
    const outcome = await this.#change(caller, (parts) => setMember(parts, caller.session, request));
    if (!outcome.ok) return outcome;
    const row = this.#parts.store.members.get(request.user);
    return row === null ? refuse("not_found", "There is no such member.") : { ok: true, member: memberOf(row) };
  }

  async flag(caller: Caller, request: FlagRequest): Promise<Answer<{ flag: Flag; isNew: boolean }>> {
    return (await this.#open(caller)) ?? flag(this.#parts, caller.session, request, Date.now());
  }

  async kick(caller: Caller, request: KickRequest): Promise<Answer<object>> {
    return this.#judged(caller, (parts, nowMs) => kick(parts, caller.session, request, nowMs));
  }

  async ban(caller: Caller, request: BanRequest): Promise<Answer<object>> {
    return this.#judged(caller, (parts, nowMs) => ban(parts, caller.session, request, nowMs));
  }

  async mute(caller: Caller, request: MuteRequest): Promise<Answer<object>> {
    return this.#judged(caller, (parts, nowMs) => mute(parts, caller.session, request, nowMs));
  }

  async sanctioned(
    caller: Caller,
    bounds: { after: string; limit: number },
  ): Promise<Answer<{ sanctioned: readonly Sanctioned[] }>> {
    return (await this.#open(caller)) ?? sanctioned(this.#parts, caller.session, bounds, Date.now());
  }

  async describe(caller: Caller): Promise<Answer<{ room: RoomInfo }>> {
    const refused = await this.#unreadable(caller);
    return refused ?? { ok: true, room: infoOf(this.#parts, caller.session, Date.now()) };
  }

  /** What is left of the limits on changes here. */
  async levels(caller: Caller): Promise<Answer<{ levels: LimitLevel[] }>> {
    const refused = await this.#unreadable(caller);
    return refused ?? { ok: true, levels: levelsOf(this.#parts, caller.session, Date.now()) };
  }

  /** For whoever would come in later: refused now, where the reason can still be read. */
  async admits(caller: Caller): Promise<Answer<object>> {
    return (await renew(this.#parts, caller)) ?? welcomes(this.#parts, caller) ?? { ok: true };
  }

  async unread(caller: Caller): Promise<Answer<Unread>> {
    const refused = await this.#unreadable(caller);
    if (refused !== null) return refused;
    const unread = unreadOf(this.#parts, caller.session, Date.now());
    return unread === null
      ? refuse("forbidden", "Only a user has unread messages: name one in `Parley-User`.")
      : { ok: true, ...unread };
  }

  async presence(
    caller: Caller,
    bounds: { readonly after?: string; readonly limit: number },
  ): Promise<Answer<PresencePage>> {
    return (await this.#open(caller)) ?? presencePage(this.#parts, caller.session, bounds);
  }

  async messages(caller: Caller, bounds: Bounds): Promise<Answer<Page>> {
    return (await this.#unreadable(caller)) ?? page(this.#parts, caller.session, bounds, Date.now());
  }

  async message(caller: Caller, id: number): Promise<Answer<{ message: Message; cursor: string }>> {
    const refused = await this.#unreadable(caller);
    if (refused !== null) return refused;
    const message = this.#parts.store.messages.get(id, Date.now(), viewerOf(this.#parts, caller.session));
    return message === null
      ? refuse("not_found", "There is no such message.")
      : { ok: true, message, cursor: headCursor(this.#parts) };
  }

  async changes(caller: Caller, wanted: Wanted): Promise<ChangesPage | Refusal> {
    return (await this.#unreadable(caller)) ?? changesPage(this.#parts, caller.session, wanted, Date.now());
  }

  async members(
    caller: Caller,
    { after, limit }: { after: string; limit: number },
  ): Promise<Answer<{ members: Member[]; cursor: string }>> {
    const refused = await this.#unreadable(caller);
    const { store } = this.#parts;
    return refused ?? { ok: true, members: store.members.page(after, limit), cursor: headCursor(this.#parts) };
  }

  async reactions(
    caller: Caller,
    id: number,
    limit: number,
  ): Promise<Answer<{ reactions: { emoji: string; user: string; at: number }[] }>> {
    const found = await this.message(caller, id);
    return found.ok ? { ok: true, reactions: this.#parts.store.reactions.of(id, null, limit) } : found;
  }

  async readPositions(caller: Caller, limit: number): Promise<Answer<{ positions: { user: string; upTo: number }[] }>> {
    const refused = await this.#unreadable(caller);
    return refused ?? { ok: true, positions: this.#parts.store.members.newestReadPositions(limit) };
  }

  // Calls from the tenant's object. They concern rooms that exist; another has nothing to do.

  /** Retention: removes the messages below `oldest`, pass by pass. */
  async retain(oldest: number): Promise<void> {
    while ((await this.#work((parts) => retention(parts, oldest))) === "more");
  }

  /** Removes every trace of a user, pass by pass. */
  async erase(user: string): Promise<void> {
    while ((await this.#work((parts) => erasure(parts, user))) === "more");
  }

  /** What the tenant has decided, pushed to every room that has sockets: so many. */
  async heed(policy: RoomPolicy, rooms = 1): Promise<void> {
    const { roster } = this.#parts;
    const before = roster.size;
    await heed(this.#parts, policy);
    if (roster.size < before) this.#settleLater(rooms);
  }

  /** The tenant ends. It registers no room anew, so that nobody can make this one again. */
  async dissolve(): Promise<void> {
    await dissolve(this.#parts, () => this.#pacer.flushNow(Date.now()));
    this.#alarms.forget();
  }

  closeAll(error: RefusalCode): void {
    this.#parts.roster.closeAll(error);
    this.#settle(Date.now());
  }

  // Events from the platform.

  /** Refusals come before partyserver sees the request: it would write the name of a room that does not exist. */
  override async fetch(request: Request): Promise<Response> {
    const joining = joinRequestOf(request);
    // Nobody's room comes to be by a socket that is then refused.
    const unfit = this.#parts.store.room === null ? needs(joining.session, null, "read") : null;
    const refused = unfit ?? (await renew(this.#parts, joining)) ?? (await openOrMake(this.#parts, joining));
    return refused === null ? this.#enter(request, joining) : refusalOf(refused);
  }

  async #enter(request: Request, joining: JoinRequest): Promise<Response> {
    const { account } = this.#parts;
    const { connection } = joining.session;
    // Whoever may not read takes no place.
    const full = lacks(this.#parts, joining.session, "read") ?? (await account.enter(connection));
    if (full !== null) return refusalOf(full);
    try {
      // Much may have been decided while the tenant was asked.
      const refused = open(this.#parts, joining) ?? admitSocket(this.#parts, joining);
      return refused === null ? await super.fetch(request) : refusalOf(refused);
    } finally {
      account.entered(connection);
      // Where it was refused after all, its place is the tenant's again.
      this.#scheduleReport();
    }
  }

  override onConnect(connection: Connection, { request }: ConnectionContext): void {
    try {
      const joining = joinRequestOf(request);
      const nowMs = Date.now();
      // partyserver waits for this and that before it comes here.
      const refused = open(this.#parts, joining);
      if (refused !== null) return this.#parts.roster.reject(connection, refused.error, refused.detail);
      join(this.#parts, connection, joining, nowMs);
      this.#alarms.schedule("sweep", nowMs + fixedLimits.silentMs);
      if (joining.ticket !== null) this.#alarms.schedule("tickets", this.#parts.tickets.dueMs ?? nowMs);
      this.#scheduleReport();
      this.#settle(nowMs);
    } catch (error) {
      // partyserver would send the stack.
      console.error("a join failed", error);
      this.#parts.roster.reject(connection, "internal");
    }
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
    } catch (error) {
      // The frame's content is not logged.
      console.error("a frame failed", error);
      this.#parts.roster.refuse(seat, refuse("internal"), undefined);
    }
    this.#settle(Date.now());
    this.#parts.roster.deliver();
  }

  /** A close must be answered, or the peer waits and two descriptors leak; 1005, 1006 and 1015 may never be sent. */
  override onClose(connection: Connection, code: number, reason: string): void {
    const answer = answerableCode(code);
    connection.close(answer, answer === code ? reason : "");
    if (this.#later !== null && this.#parts.roster.find(connection) === undefined) return;
    this.#parts.roster.remove(connection);
    this.#scheduleReport();
    this.#settle(Date.now());
  }

  override onError(connection: Connection): void {
    this.#parts.roster.remove(connection);
    this.#scheduleReport();
    this.#settle(Date.now());
  }

  override async onAlarm(): Promise<void> {
    // One that rang while everything was erased.
    if (this.#parts.store.room === null) return;
    const nowMs = Date.now();
    await this.#alarms.run(nowMs, {
      expiry: () => {
        const nextMs = sweepExpired(this.#parts, nowMs);
        if (nextMs !== null) this.#alarms.schedule("expiry", nextMs);
      },
      report: async () => {
        if (sweepDeaf(this.#parts, nowMs) === "later") this.#alarms.schedule("report", nowMs + fixedLimits.deafMs);
        const refused = await report(this.#parts);
        if (refused !== null && refusals[refused.error].retry !== "no") this.#scheduleReport();
      },
      presence: () => this.#parts.presence.expire(nowMs),
      sweep: () => {
        const nextMs = sweep(this.#parts, nowMs);
        if (nextMs !== null) return this.#alarms.schedule("sweep", nextMs);
        this.#alarms.cancel("tokens");
        // Also after a restart, in which all sockets went without a word: the tenant still counts their places.
        return this.#scheduleReport();
      },
      deeds: () => this.#parts.deeds.tell(),
      tickets: () => {
        this.#parts.tickets.sweep(nowMs);
        const nextMs = this.#parts.tickets.dueMs;
        if (nextMs !== null) this.#alarms.schedule("tickets", nextMs);
      },
      tokens: () => endTokens(this.#parts, nowMs),
    });
    this.#wake();
  }

  // The rest is wiring.

  async #change(caller: Caller, admit: (parts: RoomParts, nowMs: number) => Admitted): Promise<Outcome> {
    return (await this.#open(caller)) ?? this.#settled(admit(this.#parts, Date.now()), caller.session);
  }

  /** One pass of a job of the tenant's. */
  async #work(make: (parts: RoomParts) => Entry): Promise<"more" | "done"> {
    const { room } = this.#parts.store;
    if (room === null || room.deletedAtMs !== null) return "done";
    const outcome = await this.#settled({ ok: true, entry: make(this.#parts), joins: false }, null);
    return outcome.ok && !outcome.duplicate ? "more" : "done";
  }

  /** Resolves when the flush has stored it: the answer leaves when that is on disk. */
  #settled(admitted: Admitted, by: Session | null): Promise<Outcome> {
    return new Promise((resolve) => {
      settle(this.#parts.queue, admitted, by, resolve);
      this.#settle(Date.now());
    });
  }

  /** At the end of every event: what is to be told joins the queue, and the queue is flushed or waits. */
  #settle(nowMs: number): void {
    this.#foldPresence(nowMs);
    this.#parts.account.settle(nowMs);
    this.#pacer.settle(nowMs);
  }

  /**
   * Writes down who has gone when all rooms that were told have closed their sockets: each write is a commit on the disk, and on
   * one machine the last rooms would wait for those of the first. The timer keeps what is known of it in memory.
   */
  #settleLater(rooms: number): void {
    this.#later ??= setTimeout(
      () => {
        this.#later = null;
        this.#scheduleReport();
        this.#wake();
      },
      rooms * writeSpreadMs * (1 + Math.random()),
    );
  }

  /** The end of an event that no client sent. */
  #wake(): void {
    this.#settle(Date.now());
    this.#parts.roster.deliver();
  }

  #foldPresence(nowMs: number): void {
    const { store, presence, queue } = this.#parts;
    if (store.room === null || store.room.deletedAtMs !== null) return;
    const entry = presence.fold(store, store.room.policy.limits.presenceMembers, nowMs);
    if (entry !== null) queue.add(entry);
    if (presence.dueMs !== null) this.#alarms.schedule("presence", presence.dueMs);
  }

  /** Sockets may have been closed by it. */
  async #judged(caller: Caller, judge: (parts: RoomParts, nowMs: number) => Answer<object>): Promise<Answer<object>> {
    const done = (await this.#open(caller)) ?? judge(this.#parts, Date.now());
    this.#scheduleReport();
    this.#settle(Date.now());
    return done;
  }

  async #open(caller: Caller): Promise<Refusal | null> {
    return (await renew(this.#parts, caller)) ?? open(this.#parts, caller);
  }

  async #unreadable(caller: Caller): Promise<Refusal | null> {
    return (await this.#open(caller)) ?? lacks(this.#parts, caller.session, "read");
  }

  #messageAnswer({ session }: Caller, outcome: Outcome, own = false): MessageAnswer {
    if (!outcome.ok) return outcome;
    const shown = own || may(session, standingOf(this.#parts, session).role, "read");
    const viewer = viewerOf(this.#parts, session);
    const message = shown ? this.#parts.store.messages.get(outcome.id, Date.now(), viewer) : null;
    const levels = levelsOf(this.#parts, session, Date.now());
    return { ok: true, message, cursor: headCursor(this.#parts), levels };
  }

  #flush(nowMs: number): void {
    const { store } = this.#parts;
    const headBefore = store.head;
    const log = flush(this.#parts, nowMs);
    if (log === null) return;
    if (store.head > headBefore) this.#mark.forget();
    if (log.soonestExpiryMs < Infinity) this.#alarms.schedule("expiry", log.soonestExpiryMs);
    // What was only told changes no count.
    if (store.head > headBefore) this.#scheduleReport();
    // A reader that was cut while all were told may have been a user's last.
    this.#foldPresence(nowMs);
  }

  #scheduleReport(): void {
    if (this.#parts.store.room !== null) this.#alarms.schedule("report", Date.now() + reportAfterMs);
  }
}

function refusalOf(refused: Refusal): Response {
  return Response.json(refused, { status: refusals[refused.error].status });
}

/** The tenant tells it again, or the edge refuses them by then. */
function unasked(error: unknown): void {
  console.error("the tenant could not be asked whom it has revoked", String(error));
}

function joinRequestOf(request: Request): JoinRequest {
  return JoinRequest.parse(JSON.parse(decodeURIComponent(request.headers.get(joinHeader) ?? "null")));
}
