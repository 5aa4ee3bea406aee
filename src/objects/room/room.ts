/** One room: its messages, its members, its order, and everyone who listens. */
import { type Connection, type ConnectionContext, Server } from "partyserver";
import { unfitMessage } from "../../core/admission.ts";
import { answerableCode } from "../../core/closing.ts";
import { needs } from "../../core/rights.ts";
import type {
  AppendFrame,
  CancelFrame,
  DeleteFrame,
  EditFrame,
  ReactFrame,
  ReadFrame,
} from "../../protocol/clientFrames.ts";
import type { Member, Message } from "../../protocol/message.ts";
import type { ErasedMessages } from "../../protocol/erasure.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, type RefusalCode, refusals, refuse } from "../../protocol/refusals.ts";
import type { LimitLevel, Page, PresencePage } from "../../protocol/serverFrames.ts";
import type { RoomPolicy } from "../../protocol/policy.ts";
import type { SearchAnswer } from "../../protocol/search.ts";
import type { StoredFile } from "../../protocol/upload.ts";
import type { Actor } from "../../protocol/actor.ts";
import type { Alarms } from "../alarms.ts";
import type { ExportPage } from "../exports.ts";
import { endedByClient } from "../journal.ts";
import type { RoomBindings } from "../stubs.ts";
import type { Flag } from "../tenant/flags.ts";
import { fileFor, keepFile, unattachable, unwantedFile } from "./attach.ts";
import { presencePage } from "./attendance.ts";
import { type ChangesPage, changesPage, type Wanted } from "./catchUp.ts";
import { edit, remove } from "./edit.ts";
import { type Erased, eraseUser, forgetDecisions } from "./erasure.ts";
import { beginExport, exportable, exportPage, type RoomPosition, userPage, type UserPosition } from "./export.ts";
import { assemble } from "./assemble.ts";
import type { Sanctioned } from "./bans.ts";
import { batchAnswer, type BatchStored, publishBatch, unfitBatch } from "./batch.ts";
import { type Caller, create, dissolve, end, make, open, openOrMake, renew, welcomes } from "./existence.ts";
import { noteExceeded } from "./exceeded.ts";
import { flag, type FlagRequest } from "./flag.ts";
import { heed } from "./heed.ts";
import { beginImport, endImport, giveUpImport, type ImportBatch, type ImportEnd, takeRows } from "./import.ts";
import { infoOf, type RoomInfo, type Unread, unreadOf } from "./info.ts";
import { admitSocket, join, joinHeader, JoinRequest } from "./join.ts";
import { levelsOf } from "./levels.ts";
import { type MemberRequest, setMember } from "./members.ts";
import { ban, type BanRequest, kick, type KickRequest, mute, type MuteRequest, sanctioned } from "./moderation.ts";
import { type Bounds, page } from "./pages.ts";
import type { RoomParts } from "./parts.ts";
import { pin, type PinRequest, pins } from "./pins.ts";
import { headCursor } from "./position.ts";
import { publish, type PublishRequest } from "./publish.ts";
import { answerTo, type Answered } from "./put.ts";
import type { Admitted, Outcome } from "./queue.ts";
import { react } from "./react.ts";
import { read } from "./readPositions.ts";
import { receive } from "./receive.ts";
import { retention } from "./removal.ts";
import { search, type SearchRequest } from "./search.ts";
import { replay, type ReplayPage, type Span } from "./replay.ts";
import { revisions, type RevisionsRequest } from "./revisions.ts";
import { memberOf } from "./rows.ts";
import type { Revision } from "./store/revisions.ts";
import { configure, type SettingsPatch, unkept } from "./settings.ts";
import { shownMessage } from "./shown.ts";
import { lacks } from "./standing.ts";
import { type Job, jobsOf } from "./jobs.ts";
import { append, type AppendAnswer, cancel, type EndRequest, finish } from "./stream.ts";
import type { Turn } from "./turn.ts";
import { viewerOf } from "./viewer.ts";

type Answer<T> = ({ readonly ok: true } & T) | Refusal;
/** `message` is null for who may not read, and when it has gone meanwhile. */
type MessageAnswer = Answer<{ message: Message | null; cursor: string; levels: readonly LimitLevel[] }>;
export class Room extends Server<RoomBindings & Cloudflare.Env> {
  static override options = { hibernate: true };

  readonly #parts: RoomParts;
  readonly #alarms: Alarms<Job>;
  readonly #turn: Turn;

  constructor(ctx: DurableObjectState, env: RoomBindings & Cloudflare.Env) {
    super(ctx, env);
    const { parts, alarms, turn } = assemble(ctx, env, this.name);
    this.#parts = parts;
    this.#alarms = alarms;
    this.#turn = turn;
    // Keep-alives are answered without waking the room.
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('{"type":"ping"}', '{"type":"pong"}'));
  }

  // Calls from the Worker.

  async create(caller: Caller, patch: SettingsPatch): Promise<Answer<{ created: boolean; room: RoomInfo }>> {
    // Nobody's room comes to be by settings that are then refused.
    const unfit = this.#parts.store.room === null ? unkept(this.#parts, caller.session, patch) : null;
    const made = unfit ?? (await create(this.#parts, caller));
    if (!made.ok) return made;
    const configured = await this.configure(caller, patch, made.created);
    return configured.ok ? { ...configured, created: made.created } : configured;
  }

  async configure(caller: Caller, patch: SettingsPatch, founding = false): Promise<Answer<{ room: RoomInfo }>> {
    const outcome = await this.#change(caller, (parts) => configure(parts, caller.session, patch, founding));
    return outcome.ok ? { ok: true, room: infoOf(this.#parts, caller.session, Date.now()) } : outcome;
  }

  async delete(caller: Caller): Promise<Answer<object>> {
    const refused = await end(this.#parts, caller, () => this.#turn.flushNow(Date.now()));
    if (refused !== null) return refused;
    this.#parts.presence.forget();
    this.#turn.scheduleReport();
    return { ok: true };
  }

  async publish(caller: Caller, request: PublishRequest): Promise<MessageAnswer & { duplicate?: boolean }> {
    // A message that cannot be stored makes no room.
    const unfit =
      this.#parts.store.room === null
        ? (unfitMessage(request, caller.policy.limits) ??
          unattachable(this.#parts, caller.session, request.attachments))
        : null;
    const refused = unfit ?? (await renew(this.#parts, caller)) ?? (await openOrMake(this.#parts, caller));
    if (refused !== null) return refused;
    const outcome = await this.#change(caller, (parts, nowMs) => publish(parts, caller.session, request, nowMs));
    if (!outcome.ok) return outcome;
    // What was published just now is the caller's own; of an earlier one only a reader sees what became of it.
    return { ...this.#messageAnswer(caller, outcome, !outcome.duplicate), duplicate: outcome.duplicate };
  }

  /** All of them, one after the other, or none. */
  async publishBatch(caller: Caller, requests: readonly PublishRequest[]): Promise<Answer<BatchStored>> {
    const { session, policy } = caller;
    const isNew = this.#parts.store.room === null;
    const unfit = isNew ? unfitBatch(this.#parts, session, [...requests.entries()], policy.limits) : null;
    const refused = unfit ?? (await renew(this.#parts, caller)) ?? (await openOrMake(this.#parts, caller));
    if (refused !== null) return refused;
    const outcome = await publishBatch(this.#parts, session, requests, (admit) => this.#change(caller, admit));
    return outcome.ok ? { ok: true, ...batchAnswer(this.#parts, session, outcome) } : outcome;
  }

  async edit(caller: Caller, frame: EditFrame): Promise<MessageAnswer> {
    const outcome = await this.#change(caller, (parts, nowMs) => edit(parts, caller.session, frame, nowMs));
    return this.#messageAnswer(caller, outcome);
  }

  async remove(caller: Caller, frame: DeleteFrame): Promise<MessageAnswer> {
    const outcome = await this.#change(caller, (parts, nowMs) => remove(parts, caller.session, frame, nowMs));
    return this.#messageAnswer(caller, outcome);
  }

  /** Told within a moment, stored within a second: `at` is how long the text is now, and no promise that it stays. */
  async append(caller: Caller, id: number, piece: Pick<AppendFrame, "at" | "text">): Promise<AppendAnswer> {
    const answer = (await this.#open(caller)) ?? append(this.#parts, caller.session, { id, ...piece }, Date.now());
    if (!answer.ok) noteExceeded(this.#parts, caller.session, answer, Date.now());
    this.#turn.settle(Date.now());
    return answer;
  }

  async finish(caller: Caller, id: number, ending: EndRequest): Promise<MessageAnswer> {
    const { session } = caller;
    const outcome = await this.#change(caller, (parts, nowMs) => finish(parts, session, { id, ...ending }, nowMs));
    return this.#messageAnswer(caller, outcome);
  }

  async cancel(caller: Caller, id: number, { reason }: Pick<CancelFrame, "reason">): Promise<MessageAnswer> {
    const { session } = caller;
    const outcome = await this.#change(caller, (parts, nowMs) => cancel(parts, session, { id, reason }, nowMs));
    return this.#messageAnswer(caller, outcome);
  }

  async react(caller: Caller, frame: ReactFrame): Promise<MessageAnswer> {
    const outcome = await this.#change(caller, (parts, nowMs) => react(parts, caller.session, frame, nowMs));
    return this.#messageAnswer(caller, outcome);
  }

  async pin(caller: Caller, request: PinRequest): Promise<MessageAnswer> {
    const outcome = await this.#change(caller, (parts, nowMs) => pin(parts, caller.session, request, nowMs));
    return this.#messageAnswer(caller, outcome);
  }

  async pins(
    caller: Caller,
    bounds: { readonly after: number; readonly limit: number },
  ): Promise<Answer<{ messages: Message[]; hasMore: boolean; cursor: string }>> {
    return (await this.#unreadable(caller)) ?? pins(this.#parts, caller.session, bounds, Date.now());
  }

  async revisions(
    caller: Caller,
    request: RevisionsRequest,
  ): Promise<Answer<{ revisions: Revision[]; next: number | null }>> {
    return (await this.#unreadable(caller)) ?? revisions(this.#parts, caller.session, request, Date.now());
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

  /** Whether the caller may bring a file now. Like a message, the first one makes the room. */
  async mayUpload(caller: Caller): Promise<Answer<object>> {
    const refused = (await renew(this.#parts, caller)) ?? (await openOrMake(this.#parts, caller, "upload"));
    return refused ?? unwantedFile(this.#parts, caller.session, Date.now()) ?? { ok: true };
  }

  /** All bytes of it are there: from now on a message may carry it. Refused, they are to be removed. Safe to run twice. */
  async fileReady(caller: Caller, file: StoredFile): Promise<Answer<{ file: StoredFile }>> {
    return (await this.#open(caller)) ?? keepFile(this.#parts, caller.session, file, Date.now());
  }

  /** The file, where the caller is shown it now; what he is not shown is as good as unknown. */
  async file(caller: Caller, id: string): Promise<Answer<{ file: StoredFile }>> {
    return (await renew(this.#parts, caller)) ?? fileFor(this.#parts, caller, id, Date.now());
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

  async search(caller: Caller, request: SearchRequest): Promise<Answer<SearchAnswer>> {
    return (await this.#unreadable(caller)) ?? search(this.#parts, caller.session, request, Date.now());
  }

  async message(caller: Caller, id: number): Promise<Answer<{ message: Message; cursor: string }>> {
    const refused = await this.#unreadable(caller);
    if (refused !== null) return refused;
    const message = this.#parts.store.messages.get(id, Date.now(), viewerOf(this.#parts, caller.session));
    return message === null
      ? refuse("not_found", "There is no such message.")
      : { ok: true, message, cursor: headCursor(this.#parts) };
  }

  /** The answer of the room's assistant to this message. */
  async answerTo(caller: Caller, question: number): Promise<Answer<Answered>> {
    const refused = await this.#unreadable(caller);
    return refused ?? { ok: true, ...answerTo(this.#parts, caller.session, question, Date.now()) };
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

  // Exports and imports, which are the tenant's server's and the operator's. The edge has seen that they are.

  /** `actor` asks for the first page, and is written down. */
  exportPage(
    position: RoomPosition | null,
    actor: Actor | null,
  ): Answer<{ epoch: string; head: number } & ExportPage<RoomPosition>> {
    const refused = exportable(this.#parts);
    if (refused !== null) return refused;
    if (actor !== null) beginExport(this.#parts, actor, Date.now());
    return exportPage(this.#parts, position, Date.now());
  }

  /** What the room holds of one user. */
  userPage(user: string, position: UserPosition | null): Answer<ExportPage<UserPosition>> {
    return exportable(this.#parts) ?? { ok: true, ...userPage(this.#parts, user, position, Date.now()) };
  }

  /** `maker` wants the room made, too, where it is not there. */
  async beginImport(maker: Actor | null): Promise<Answer<{ import: string }>> {
    const made = maker === null ? null : await make(this.#parts, maker);
    if (made?.ok === false) return made;
    const begun = beginImport(this.#parts, Date.now(), () => this.#turn.flushNow(Date.now()));
    this.#turn.settle(Date.now());
    return begun;
  }

  takeRows(batch: ImportBatch): Answer<object> {
    return takeRows(this.#parts, batch, Date.now());
  }

  endImport(last: ImportEnd, actor: Actor): Answer<{ cursor: string }> {
    const ended = endImport(this.#parts, last, actor, Date.now());
    this.#turn.scheduleReport();
    return ended;
  }

  giveUpImport(id: string): void {
    giveUpImport(this.#parts, id, Date.now());
  }

  // Calls from the tenant's object. They concern rooms that exist; another has nothing to do.

  /** Retention: removes the messages below `oldest`, pass by pass. */
  async retain(oldest: number): Promise<void> {
    while ((await this.#turn.work((parts) => retention(parts, () => oldest))) === "more");
  }

  /** Removes every trace of a user. */
  erase(user: string, messages: ErasedMessages = "erase"): Promise<Erased> {
    return eraseUser(this.#parts, user, messages, (pass) => this.#turn.work(pass));
  }

  /** That he was erased is over. */
  forget(user: string): void {
    forgetDecisions(this.#parts, user);
  }

  /** Which of these uploads the room knows, and removes by itself when they are not wanted any more. */
  heldFiles(ids: readonly string[]): string[] {
    return this.#parts.store.room === null ? [] : this.#parts.files.held(ids);
  }

  /** It was given up before the tenant heard of it: it is no file, whoever brought it. Safe to run twice. */
  dropFile(id: string): void {
    const { store, files } = this.#parts;
    if (store.room !== null) store.transaction(() => files.remove(id, Date.now()));
  }

  /** For a webhook endpoint that asks for it: every event that the span's rows tell of, whoever wants which. */
  replay(span: Span): ReplayPage | Refusal {
    return replay(this.#parts, span, Date.now());
  }

  /** What the tenant has decided, pushed to every room that has sockets: so many. */
  async heed(policy: RoomPolicy, rooms = 1): Promise<void> {
    const { roster } = this.#parts;
    const before = roster.size;
    await heed(this.#parts, policy);
    if (roster.size < before) this.#turn.settleLater(rooms);
  }

  /** The tenant ends. It registers no room anew, so that nobody can make this one again. */
  async dissolve(): Promise<void> {
    await dissolve(this.#parts, () => this.#turn.flushNow(Date.now()));
    this.#alarms.forget();
  }

  closeAll(error: RefusalCode): void {
    this.#parts.roster.closeAll(error);
    this.#turn.settle(Date.now());
  }

  // Events from the platform.

  /** Refusals come before partyserver sees the request: it would write the name of a room that does not exist. */
  override async fetch(request: Request): Promise<Response> {
    const joining = joinRequestOf(request);
    const { store } = this.#parts;
    const mayMake = joining.message === undefined;
    // Nobody's room comes to be by a socket that is then refused, or by one that wants to hear a message.
    const unfit = mayMake && store.room === null ? needs(joining.session, null, "read") : null;
    const enter = mayMake ? openOrMake : open;
    const refused = unfit ?? (await renew(this.#parts, joining)) ?? (await enter(this.#parts, joining));
    return refused === null ? this.#enter(request, joining) : refusalOf(refused);
  }

  async #enter(request: Request, joining: JoinRequest): Promise<Response> {
    const { account } = this.#parts;
    const { connection } = joining.session;
    // Whoever may not read takes no place.
    const full = lacks(this.#parts, joining.session, "read") ?? (await account.enter(connection));
    if (full !== null) return this.#refused(joining, full);
    try {
      // Much may have been decided while the tenant was asked.
      const refused = open(this.#parts, joining) ?? admitSocket(this.#parts, joining, Date.now());
      return refused === null ? await super.fetch(request) : this.#refused(joining, refused);
    } finally {
      account.entered(connection);
      // Where it was refused after all, its place is the tenant's again.
      this.#turn.scheduleReport();
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
      this.#turn.scheduleReport();
      this.#turn.settle(nowMs);
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
    this.#turn.settle(Date.now());
    this.#parts.roster.deliver();
  }

  /** A close must be answered, or the peer waits and two descriptors leak; 1005, 1006 and 1015 may never be sent. */
  override onClose(connection: Connection, code: number, reason: string): void {
    const answer = answerableCode(code);
    connection.close(answer, answer === code ? reason : "");
    if (this.#turn.settlesLater && this.#parts.roster.find(connection) === undefined) return;
    this.#parts.roster.remove(connection, endedByClient(code));
    this.#turn.scheduleReport();
    this.#turn.settle(Date.now());
  }

  override onError(connection: Connection): void {
    this.#parts.roster.remove(connection, { by: "network", close: 1006 });
    this.#turn.scheduleReport();
    this.#turn.settle(Date.now());
  }

  override async onAlarm(): Promise<void> {
    // One that rang while everything was erased.
    if (this.#parts.store.room === null) return;
    const nowMs = Date.now();
    await this.#alarms.run(nowMs, jobsOf(this.#parts, this.#alarms, this.#turn, nowMs));
    this.#turn.wake();
  }

  // The rest is wiring.

  async #change(caller: Caller, admit: (parts: RoomParts, nowMs: number) => Admitted): Promise<Outcome> {
    const { session } = caller;
    const outcome = (await this.#open(caller)) ?? (await this.#turn.settled(admit(this.#parts, Date.now()), session));
    if (!outcome.ok) noteExceeded(this.#parts, session, outcome, Date.now());
    return outcome;
  }

  /** Sockets may have been closed by it. */
  async #judged(caller: Caller, judge: (parts: RoomParts, nowMs: number) => Answer<object>): Promise<Answer<object>> {
    const done = (await this.#open(caller)) ?? judge(this.#parts, Date.now());
    this.#turn.scheduleReport();
    this.#turn.settle(Date.now());
    return done;
  }

  async #open(caller: Caller): Promise<Refusal | null> {
    this.#turn.stayed(Date.now());
    return (await renew(this.#parts, caller)) ?? open(this.#parts, caller);
  }

  async #unreadable(caller: Caller): Promise<Refusal | null> {
    return (await this.#open(caller)) ?? lacks(this.#parts, caller.session, "read");
  }

  #refused({ session }: JoinRequest, refused: Refusal): Response {
    noteExceeded(this.#parts, session, refused, Date.now());
    return refusalOf(refused);
  }

  #messageAnswer({ session }: Caller, outcome: Outcome, own = false): MessageAnswer {
    if (!outcome.ok) return outcome;
    const nowMs = Date.now();
    const message = shownMessage(this.#parts, session, outcome.id, { own, nowMs });
    const levels = levelsOf(this.#parts, session, nowMs);
    return { ok: true, message, cursor: headCursor(this.#parts), levels };
  }
}

function refusalOf(refused: Refusal): Response {
  return Response.json(refused, { status: refusals[refused.error].status });
}

function joinRequestOf(request: Request): JoinRequest {
  return JoinRequest.parse(JSON.parse(decodeURIComponent(request.headers.get(joinHeader) ?? "null")));
}
