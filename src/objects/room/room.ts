/** One room: its messages, its members, its order, and everyone who listens. */
import { type Connection, type ConnectionContext, Server } from "partyserver";
import { unfitMessage } from "../../core/admission.ts";
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
import { type Refusal, type RefusalCode, refuse } from "../../protocol/refusals.ts";
import type { LimitLevel, Page, PresencePage } from "../../protocol/serverFrames.ts";
import type { RoomPolicy } from "../../protocol/policy.ts";
import type { SearchAnswer } from "../../protocol/search.ts";
import type { StoredFile } from "../../protocol/upload.ts";
import type { Actor } from "../../protocol/actor.ts";
import type { ExportPage } from "../exports.ts";
import type { RoomBindings } from "../stubs.ts";
import type { Flag } from "../tenant/flags.ts";
import { fileFor, keepFile, unattachable, unwantedFile } from "./attach.ts";
import { presencePage } from "./attendance.ts";
import { cancel } from "./cancel.ts";
import { type ChangesPage, changesPage, type Wanted } from "./catchUp.ts";
import { edit, remove } from "./edit.ts";
import { type Erased, eraseUser, forgetDecisions } from "./erasure.ts";
import {
  beginExport,
  exportable,
  exportPage,
  type RoomExport,
  type RoomPosition,
  userPage,
  type UserPosition,
} from "./export.ts";
import { assemble, type Assembled } from "./assemble.ts";
import type { Sanctioned } from "./bans.ts";
import { batchAnswer, type BatchStored, publishBatch, unfitBatch } from "./batch.ts";
import { type Caller, create, dissolve, end, make, renew, welcomes } from "./existence.ts";
import { noteExceeded } from "./exceeded.ts";
import { flag, type FlagRequest } from "./flag.ts";
import { heed } from "./heed.ts";
import { beginImport, endImport, giveUpImport, type ImportBatch, type ImportEnd, takeRows } from "./import.ts";
import { infoOf, type RoomInfo, type Unread, unreadAnswer } from "./info.ts";
import { levelsOf } from "./levels.ts";
import { type MemberRequest, setMember } from "./members.ts";
import { ban, type BanRequest, kick, type KickRequest, mute, type MuteRequest, sanctioned } from "./moderation.ts";
import { type Bounds, oneMessage, page } from "./pages.ts";
import type { RoomParts } from "./parts.ts";
import { pin, type PinRequest, pins, type PinsPage } from "./pins.ts";
import { headCursor } from "./position.ts";
import { publish, type PublishRequest } from "./publish.ts";
import { answerTo, type Answered } from "./put.ts";
import type { Admitted, Outcome } from "./queue.ts";
import { react } from "./react.ts";
import { read } from "./readPositions.ts";
import { retention } from "./removal.ts";
import { search, type SearchRequest } from "./search.ts";
import { replay, type ReplayPage, type Span } from "./replay.ts";
import { revisions, type RevisionsPage, type RevisionsRequest } from "./revisions.ts";
import { memberOf } from "./rows.ts";
import { configure, type SettingsPatch, unkept } from "./settings.ts";
import { jobsOf } from "./jobs.ts";
import { append, type AppendAnswer, type EndRequest, finish } from "./stream.ts";
import type { Turn } from "./turn.ts";
import { arrive, takeSeat } from "./arrival.ts";
import { type Answer, Calls } from "./calls.ts";
import { type MessageAnswer, messageAnswer } from "./shown.ts";
import { broken, closed, hear } from "./socketEvents.ts";

export class Room extends Server<RoomBindings & Cloudflare.Env> {
  static override options = { hibernate: true };

  readonly #engine: Assembled;
  readonly #parts: RoomParts;
  readonly #turn: Turn;
  readonly #calls: Calls;

  constructor(ctx: DurableObjectState, env: RoomBindings & Cloudflare.Env) {
    super(ctx, env);
    this.#engine = assemble(ctx, env, this.name);
    const { parts, turn } = this.#engine;
    this.#parts = parts;
    this.#turn = turn;
    this.#calls = new Calls(parts, turn);
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
    const outcome = await this.#calls.changing(caller, (parts) => configure(parts, caller.session, patch, founding));
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
    const { session, policy } = caller;
    // A message that cannot be stored makes no room.
    const refused = await this.#calls.entering(
      caller,
      (parts) => unfitMessage(request, policy.limits) ?? unattachable(parts, session, request.attachments),
    );
    if (refused !== null) return refused;
    const outcome = await this.#calls.changing(caller, (parts, nowMs) => publish(parts, session, request, nowMs));
    if (!outcome.ok) return outcome;
    // What was published just now is the caller's own; of an earlier one only a reader sees what became of it.
    const { duplicate } = outcome;
    return { ...messageAnswer(this.#parts, session, outcome, !duplicate), duplicate };
  }

  /** All of them, one after the other, or none. */
  async publishBatch(caller: Caller, requests: readonly PublishRequest[]): Promise<Answer<BatchStored>> {
    const { session, policy } = caller;
    const refused = await this.#calls.entering(caller, (parts) =>
      unfitBatch(parts, session, [...requests.entries()], policy.limits),
    );
    if (refused !== null) return refused;
    const outcome = await publishBatch(this.#parts, session, requests, (admit) => this.#calls.changing(caller, admit));
    return outcome.ok ? { ok: true, ...batchAnswer(this.#parts, session, outcome) } : outcome;
  }

  edit(caller: Caller, frame: EditFrame): Promise<MessageAnswer> {
    return this.#changed(caller, (parts, nowMs) => edit(parts, caller.session, frame, nowMs));
  }

  remove(caller: Caller, frame: DeleteFrame): Promise<MessageAnswer> {
    return this.#changed(caller, (parts, nowMs) => remove(parts, caller.session, frame, nowMs));
  }

  /** Told within a moment, stored within a second: `at` is how long the text is now, and no promise that it stays. */
  async append(caller: Caller, id: number, piece: Pick<AppendFrame, "at" | "text">): Promise<AppendAnswer> {
    const { session } = caller;
    const answer = await this.#calls.within(caller, (parts, nowMs) => append(parts, session, { id, ...piece }, nowMs));
    if (!answer.ok) noteExceeded(this.#parts, session, answer, Date.now());
    this.#turn.settle(Date.now());
    return answer;
  }

  finish(caller: Caller, id: number, ending: EndRequest): Promise<MessageAnswer> {
    return this.#changed(caller, (parts, nowMs) => finish(parts, caller.session, { id, ...ending }, nowMs));
  }

  cancel(caller: Caller, id: number, { reason }: Pick<CancelFrame, "reason">): Promise<MessageAnswer> {
    return this.#changed(caller, (parts, nowMs) => cancel(parts, caller.session, { id, reason }, nowMs));
  }

  react(caller: Caller, frame: ReactFrame): Promise<MessageAnswer> {
    return this.#changed(caller, (parts, nowMs) => react(parts, caller.session, frame, nowMs));
  }

  pin(caller: Caller, request: PinRequest): Promise<MessageAnswer> {
    return this.#changed(caller, (parts, nowMs) => pin(parts, caller.session, request, nowMs));
  }

  pins(caller: Caller, bounds: { readonly after: number; readonly limit: number }): Promise<Answer<PinsPage>> {
    return this.#calls.reading(caller, (parts, nowMs) => pins(parts, caller.session, bounds, nowMs));
  }

  revisions(caller: Caller, request: RevisionsRequest): Promise<Answer<RevisionsPage>> {
    return this.#calls.reading(caller, (parts, nowMs) => revisions(parts, caller.session, request, nowMs));
  }

  read(caller: Caller, frame: Pick<ReadFrame, "upTo">): Promise<Outcome> {
    return this.#calls.changing(caller, (parts, nowMs) => read(parts, caller.session, frame, nowMs));
  }

  async setMember(caller: Caller, request: MemberRequest): Promise<Answer<{ member: Member }>> {
    const outcome = await this.#calls.changing(caller, (parts) => setMember(parts, caller.session, request));
    if (!outcome.ok) return outcome;
    const row = this.#parts.store.members.get(request.user);
    return row === null ? refuse("not_found", "There is no such member.") : { ok: true, member: memberOf(row) };
  }

  /** Whether the caller may bring a file now. Like a message, the first one makes the room. */
  async mayUpload(caller: Caller): Promise<Answer<object>> {
    const refused = await this.#calls.entering(caller, () => null, "upload");
    return refused ?? unwantedFile(this.#parts, caller.session, Date.now()) ?? { ok: true };
  }

  /** All bytes of it are there: from now on a message may carry it. Refused, they are to be removed. Safe to run twice. */
  fileReady(caller: Caller, file: StoredFile): Promise<Answer<{ file: StoredFile }>> {
    return this.#calls.within(caller, (parts, nowMs) => keepFile(parts, caller.session, file, nowMs));
  }

  /** The file, where the caller is shown it now; what he is not shown is as good as unknown. */
  async file(caller: Caller, id: string): Promise<Answer<{ file: StoredFile }>> {
    return (await renew(this.#parts, caller)) ?? fileFor(this.#parts, caller, id, Date.now());
  }

  flag(caller: Caller, request: FlagRequest): Promise<Answer<{ flag: Flag; isNew: boolean }>> {
    return this.#calls.within(caller, (parts, nowMs) => flag(parts, caller.session, request, nowMs));
  }

  kick(caller: Caller, request: KickRequest): Promise<Answer<object>> {
    return this.#calls.judging(caller, (parts, nowMs) => kick(parts, caller.session, request, nowMs));
  }

  ban(caller: Caller, request: BanRequest): Promise<Answer<object>> {
    return this.#calls.judging(caller, (parts, nowMs) => ban(parts, caller.session, request, nowMs));
  }

  mute(caller: Caller, request: MuteRequest): Promise<Answer<object>> {
    return this.#calls.judging(caller, (parts, nowMs) => mute(parts, caller.session, request, nowMs));
  }

  sanctioned(
    caller: Caller,
    bounds: { after: string; limit: number },
  ): Promise<Answer<{ sanctioned: readonly Sanctioned[] }>> {
    return this.#calls.within(caller, (parts, nowMs) => sanctioned(parts, caller.session, bounds, nowMs));
  }

  describe(caller: Caller): Promise<Answer<{ room: RoomInfo }>> {
    return this.#calls.reading(caller, (parts, nowMs) => ({ ok: true, room: infoOf(parts, caller.session, nowMs) }));
  }

  /** What is left of the limits on changes here. */
  levels(caller: Caller): Promise<Answer<{ levels: LimitLevel[] }>> {
    return this.#calls.reading(caller, (parts, nowMs) => ({
      ok: true,
      levels: levelsOf(parts, caller.session, nowMs),
    }));
  }

  /** For whoever would come in later: refused now, where the reason can still be read. */
  async admits(caller: Caller): Promise<Answer<object>> {
    return (await renew(this.#parts, caller)) ?? welcomes(this.#parts, caller) ?? { ok: true };
  }

  unread(caller: Caller): Promise<Answer<Unread>> {
    return this.#calls.reading(caller, (parts, nowMs) => unreadAnswer(parts, caller.session, nowMs));
  }

  presence(caller: Caller, bounds: { readonly after?: string; readonly limit: number }): Promise<Answer<PresencePage>> {
    return this.#calls.within(caller, (parts) => presencePage(parts, caller.session, bounds));
  }

  messages(caller: Caller, bounds: Bounds): Promise<Answer<Page>> {
    return this.#calls.reading(caller, (parts, nowMs) => page(parts, caller.session, bounds, nowMs));
  }

  search(caller: Caller, request: SearchRequest): Promise<Answer<SearchAnswer>> {
    return this.#calls.reading(caller, (parts, nowMs) => search(parts, caller.session, request, nowMs));
  }

  message(caller: Caller, id: number): Promise<Answer<{ message: Message; cursor: string }>> {
    return this.#calls.reading(caller, (parts, nowMs) => oneMessage(parts, caller.session, id, nowMs));
  }

  /** The answer of the room's assistant to this message. */
  answerTo(caller: Caller, question: number): Promise<Answer<Answered>> {
    return this.#calls.reading(caller, (parts, nowMs) => ({
      ok: true,
      ...answerTo(parts, caller.session, question, nowMs),
    }));
  }

  changes(caller: Caller, wanted: Wanted): Promise<ChangesPage | Refusal> {
    return this.#calls.reading(caller, (parts, nowMs) => changesPage(parts, caller.session, wanted, nowMs));
  }

  members(
    caller: Caller,
    { after, limit }: { after: string; limit: number },
  ): Promise<Answer<{ members: Member[]; cursor: string }>> {
    return this.#calls.reading(caller, (parts) => {
      return { ok: true, members: parts.store.members.page(after, limit), cursor: headCursor(parts) };
    });
  }

  async reactions(
    caller: Caller,
    id: number,
    limit: number,
  ): Promise<Answer<{ reactions: { emoji: string; user: string; at: number }[] }>> {
    const found = await this.message(caller, id);
    return found.ok ? { ok: true, reactions: this.#parts.store.reactions.of(id, null, limit) } : found;
  }

  readPositions(caller: Caller, limit: number): Promise<Answer<{ positions: { user: string; upTo: number }[] }>> {
    return this.#calls.reading(caller, ({ store }) => {
      return { ok: true, positions: store.members.newestReadPositions(limit) };
    });
  }

  // Exports and imports, which are the tenant's server's and the operator's. The edge has seen that they are.

  /** `actor` asks for the first page, and is written down. */
  exportPage(position: RoomPosition | null, actor: Actor | null): RoomExport {
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
    this.#engine.alarms.forget();
  }

  closeAll(error: RefusalCode): void {
    this.#parts.roster.closeAll(error);
    this.#turn.settle(Date.now());
  }

  // Events from the platform.

  /** Refusals come before partyserver sees the request: it would write the name of a room that does not exist. */
  override fetch(request: Request): Promise<Response> {
    return arrive(this.#engine, request, () => super.fetch(request));
  }

  override onConnect(connection: Connection, { request }: ConnectionContext): void {
    try {
      takeSeat(this.#engine, connection, request);
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
    hear(this.#engine, socket, raw);
  }

  override onClose(connection: Connection, code: number, reason: string): void {
    closed(this.#engine, connection, code, reason);
  }

  override onError(connection: Connection): void {
    broken(this.#engine, connection);
  }

  override async onAlarm(): Promise<void> {
    // One that rang while everything was erased.
    if (this.#parts.store.room === null) return;
    const nowMs = Date.now();
    const { parts, alarms, turn } = this.#engine;
    await alarms.run(nowMs, jobsOf(parts, alarms, turn, nowMs));
    this.#turn.wake();
  }

  /** A change of a message, answered with how the caller is shown it. */
  async #changed(caller: Caller, admit: (parts: RoomParts, nowMs: number) => Admitted): Promise<MessageAnswer> {
    const outcome = await this.#calls.changing(caller, admit);
    return outcome.ok ? messageAnswer(this.#parts, caller.session, outcome) : outcome;
  }
}
