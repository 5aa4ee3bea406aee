/** Whoever uses rooms while something is broken on purpose: clients as people have them, over both transports, beside readers of the bare protocol. */
import { WebSocket } from "ws";
import { type Client, createClient, type Room } from "../../src/client/client.ts";
import type { Message } from "../../src/protocol/message.ts";
import { EventReader } from "../support/eventReader.ts";
import { type Returning, ReturningSocket, ReturningStream } from "../support/returning.ts";
import { type Evidence, judge, sumOf, type Verdict, type Witness } from "./oracle.ts";
import type { Publication } from "./publisher.ts";
import { Reader } from "./reader.ts";
import { type LiveTenant, newToken, wholeHistory } from "./tenant.ts";

export interface SwarmOptions {
  readonly tenant: LiveTenant;
  /** Where they reach it: a proxy's address, perhaps. */
  readonly url: string;
  readonly rooms: readonly string[];
  /** In each room: clients by WebSocket and by events, and readers of each kind. */
  readonly socketClients: number;
  readonly eventClients: number;
  readonly rawReaders: number;
  /** Between two messages of a client's. */
  readonly everyMs: number;
}

export interface SwarmReport extends Verdict {
  readonly sent: number;
  /** How often somebody had lost the connection and came back. */
  readonly comebacks: number;
  /** How often a client or a reader was told that it could not be told of all that it had missed. */
  readonly gapsTold: number;
  /** Answers of 500 and above that clients had over HTTP. */
  readonly serverErrors: number;
  /** From the end of all trouble until everybody had everything. */
  readonly settledMs: number;
}

const pollMs = 20;
const waitingMax = 20;

export class Swarm {
  readonly #options: SwarmOptions;
  readonly #participants: Participant[] = [];
  readonly #readers: { readonly room: string; readonly name: string; readonly client: Returning }[] = [];
  #staying: Promise<void>[] = [];
  #serverErrors = 0;

  static async gather(options: SwarmOptions): Promise<Swarm> {
    const swarm = new Swarm(options);
    await Promise.all(options.rooms.map((room) => swarm.#fill(room)));
    swarm.#staying = swarm.#readers.map(({ client }) => client.stay());
    for (const staying of swarm.#staying) staying.catch(() => undefined);
    return swarm;
  }

  private constructor(options: SwarmOptions) {
    this.#options = options;
  }

  begin(): void {
    for (const participant of this.#participants) participant.begin(this.#options.everyMs);
  }

  /** Waits until everybody has a connection and has caught up as it was opened. Gives how long that took; throws when it takes longer. */
  async allLive(withinMs: number): Promise<number> {
    const sinceMs = Date.now();
    const missing = (): number =>
      this.#participants.filter(({ isLive }) => !isLive).length +
      this.#readers.filter(({ client }) => !client.isLive).length;
    await eventually(() => missing() === 0, sinceMs + withinMs);
    if (missing() > 0) throw new Error(`${missing()} were not back within ${withinMs} ms`);
    return Date.now() - sinceMs;
  }

  /** Nobody waits for the end of a pause. */
  wake(): void {
    for (const participant of this.#participants) participant.wake();
  }

  /** Nobody says anything new; what waits goes on. */
  halt(): void {
    for (const participant of this.#participants) participant.halt();
  }

  /** Waits until all that was said is answered, and everybody has heard it. `hurry`: nobody waits for the end of a pause. */
  async settle({ withinMs, hurry }: { withinMs: number; hurry: boolean }): Promise<SwarmReport> {
    const sinceMs = Date.now();
    if (hurry) this.wake();
    const deadlineMs = sinceMs + withinMs;
    await eventually(() => this.#participants.every(({ isAnswered }) => isAnswered), deadlineMs);
    const evidence = await Promise.all(this.#options.rooms.map((room) => this.#evidenceOf(room, deadlineMs)));
    const settledMs = Date.now() - sinceMs;
    const comebacks =
      this.#participants.reduce((sum, one) => sum + one.comebacks, 0) +
      this.#readers.reduce((sum, { client }) => sum + client.comebacks, 0);
    const sent = this.#participants.reduce((sum, one) => sum + one.sent.length, 0);
    const gapsTold =
      this.#participants.reduce((sum, one) => sum + one.gaps, 0) +
      this.#readers.reduce((sum, { client }) => sum + client.reader.copy.gaps.length, 0);
    const stuck = this.#participants
      .filter(({ isAnswered }) => !isAnswered)
      .map(({ standing }) => `never answered: ${standing}`);
    const verdict = sumOf(evidence.map(judge));
    // What was rejected may not be there, but nothing that was sent here deserved it.
    const rejected = this.#participants.flatMap((one) => one.rejected);
    return {
      ...verdict,
      violations: [...verdict.violations, ...rejected, ...stuck],
      sent,
      comebacks,
      gapsTold,
      serverErrors: this.#serverErrors,
      settledMs,
    };
  }

  async disperse(): Promise<void> {
    for (const participant of this.#participants) participant.close();
    for (const { client } of this.#readers) {
      client.goingOn = false;
      client.reader.cut();
    }
    await Promise.allSettled(this.#staying);
  }

  async #fill(room: string): Promise<void> {
    const { tenant, url, socketClients, eventClients, rawReaders } = this.#options;
    const fetching: typeof fetch = async (...asked) => {
      const answer = await fetch(...asked);
      if (answer.status >= 500) this.#serverErrors += 1;
      return answer;
    };
    for (let index = 0; index < socketClients + eventClients; index++) {
      const transport = index < socketClients ? "websocket" : "sse";
      const user = `${transport}-${index}`;
      this.#participants.push(await Participant.enter({ tenant, url, room, transport, user, fetching }));
    }
    for (let index = 0; index < rawReaders; index++) {
      const token = await newToken(tenant, `reader-${index}`, ["read"]);
      const socket = new ReturningSocket(new Reader({ tenant: { ...tenant, url }, room, token }));
      const stream = new ReturningStream(new EventReader({ url, room, token }));
      for (const client of [socket, stream]) await client.reader.open();
      this.#readers.push(
        { room, name: `socket reader ${index}`, client: socket },
        { room, name: `event reader ${index}`, client: stream },
      );
    }
  }

  async #evidenceOf(room: string, deadlineMs: number): Promise<Evidence> {
    const history = await wholeHistory(this.#options.tenant, room);
    const participants = this.#participants.filter((one) => one.room === room);
    const readers = this.#readers.filter((one) => one.room === room);
    const head = history.at(-1)?.id ?? 0;
    const hasAll = (): boolean =>
      participants.every((one) => (one.told.at(-1) ?? 0) >= head) &&
      readers.every(({ client }) => client.reader.copy.seq >= head);
    await eventually(hasAll, deadlineMs);
    return {
      room,
      sent: participants.flatMap(({ sent }) => sent),
      history,
      witnesses: [
        ...participants,
        ...readers.map(({ name, client: { reader } }) => ({
          name,
          told: null,
          faultsBeside: (whole: readonly Message[]) => reader.copy.faultsBeside(whole),
        })),
      ],
    };
  }
}

interface ParticipantOptions {
  readonly tenant: LiveTenant;
  readonly url: string;
  readonly room: string;
  readonly transport: "websocket" | "sse";
  readonly user: string;
  readonly fetching: typeof fetch;
}

/** A client that says something now and then, and remembers all that it was promised and told. */
class Participant implements Witness {
  readonly name: string;
  readonly room: string;
  readonly told: number[] = [];
  readonly sent: Publication[] = [];
  readonly rejected: string[] = [];
  comebacks = 0;
  /** How often the server said that it could not go on where this client stood: then it begins anew. */
  gaps = 0;
  readonly #user: string;
  readonly #client: Client;
  readonly #room: Room;
  #timer: NodeJS.Timeout | undefined;
  #answered = 0;

  static async enter({ tenant, url, room, transport, user, fetching }: ParticipantOptions): Promise<Participant> {
    // Their tokens come from the page's own server, which nobody troubles.
    const getToken = (): Promise<string> => newToken(tenant, user, ["read", "publish"]);
    const client = createClient({ url, transport, WebSocket, getToken, fetch: fetching });
    const participant = new Participant(user, room, client);
    await eventually(() => participant.isLive, Date.now() + 20_000);
    return participant;
  }

  private constructor(user: string, room: string, client: Client) {
    this.name = user;
    this.room = room;
    this.#user = user;
    this.#client = client;
    this.#room = client.room(room, { presence: "none", keep: 1_000_000 });
    this.#room.on("message", ({ id }) => this.told.push(id));
    this.#room.on("gap", () => {
      this.gaps += 1;
      this.told.length = 0;
    });
    this.#room.subscribe(() => undefined);
    client.on("state", ({ name }) => (this.comebacks += name === "waiting" ? 1 : 0));
  }

  get isLive(): boolean {
    return this.#room.snapshot.status === "live";
  }

  get isAnswered(): boolean {
    return this.#answered === this.sent.length;
  }

  begin(everyMs: number): void {
    this.#timer = setInterval(() => void this.#say(), everyMs);
  }

  halt(): void {
    clearInterval(this.#timer);
  }

  /** Where it stands, for whoever looks why it has not come to an end. */
  get standing(): string {
    const { status, cursor, error, outbox } = this.#room.snapshot;
    const { state } = this.#client;
    return JSON.stringify({
      name: this.name,
      room: this.room,
      state,
      status,
      cursor,
      error,
      waiting: outbox.slice(0, 3),
      held: outbox.length,
    });
  }

  wake(): void {
    this.#client.connect();
  }

  close(): void {
    this.halt();
    this.#client.close();
  }

  faultsBeside(history: readonly Message[]): string[] {
    const held = this.#room.snapshot.messages;
    const expected = history.filter(({ id }) => id >= (held[0]?.id ?? Infinity));
    return JSON.stringify(held) === JSON.stringify(expected) ? [] : [`holds ${held.length} of ${expected.length}`];
  }

  async #say(): Promise<void> {
    // Over HTTP one is on its way at a time: in a bad network more would come than go.
    if (this.sent.length - this.#answered >= waitingMax) return;
    const nonce = `${this.#user}-nonce-${this.sent.length}`;
    const said: Publication = { user: this.#user, nonce, text: `${nonce} héllo 🌊`, ack: undefined, duplicate: false };
    this.sent.push(said);
    try {
      const { id, seq, duplicate } = await this.#room.publish({ nonce, text: said.text });
      said.ack = { id: id ?? 0, seq };
      said.duplicate = duplicate ?? false;
    } catch (error) {
      this.rejected.push(`${this.room}: ${nonce} was rejected: ${String(error)}`);
    }
    this.#answered += 1;
  }
}

async function eventually(condition: () => boolean, deadlineMs: number): Promise<void> {
  while (!condition() && Date.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, pollMs));
}
