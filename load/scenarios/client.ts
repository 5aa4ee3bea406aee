/** A client on a socket of one room. It goes by the reader's rule of the protocol, and checks that the server keeps to it. */
import type { Figure, Ground, Line } from "./ground.ts";
import { Own } from "./own.ts";
import { Watch } from "./watch.ts";

const answerMs = 15_000;

interface Told {
  readonly type: string;
  readonly epoch?: string;
  readonly head?: number;
  readonly resumed?: boolean;
  readonly reconnectJitterMs?: number;
  readonly from?: number;
  readonly to?: number;
  readonly reset?: boolean;
  readonly changes?: readonly Change[];
  readonly ref?: string;
  readonly id?: number;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly user?: unknown;
}

interface Change {
  readonly type: string;
  readonly message?: {
    readonly id: number;
    readonly seq: number;
    readonly nonce?: string | null;
    readonly text?: string | null;
  };
}

export interface ClientOptions {
  readonly room: string;
  readonly user: string;
  readonly token: string;
}

/** As often as the SDK and PROTOCOL.md have it. */
const pingMs = 25_000;

export class Client {
  /** Who was told to be typing, by how often. */
  readonly typing = new Map<string, number>();
  /** When it last said that it types. */
  typedAtMs = 0;
  readonly user: string;
  readonly room: string;
  /** As the server asks for: how long to wait at most before coming back, where all come back at once. */
  jitterMs = 2_000;
  readonly #ground: Ground;
  readonly #options: ClientOptions;
  readonly #own: Own;
  readonly #watch: Watch;
  #line: Line | null = null;
  #epoch: string | null = null;
  #seq = 0;
  /** What it has to hear begins after this. */
  #since = 0;
  #head = 0;
  #heard = 0;
  #newest = 0;
  #isWelcome = false;
  /** Until the next line. */
  #stopBeat: () => void = () => undefined;

  constructor(ground: Ground, options: ClientOptions) {
    this.#ground = ground;
    this.#options = options;
    this.user = options.user;
    this.room = options.room;
    this.#own = new Own(ground, options.user);
    this.#watch = new Watch(ground);
  }

  get isOpen(): boolean {
    return this.#line !== null;
  }

  get seq(): number {
    return this.#seq;
  }

  /** Connects, after the first time with its cursor, and waits until it has caught up. False when it was not let in. */
  async enter(): Promise<boolean> {
    const { room, token } = this.#options;
    const cursor = this.#epoch === null ? "backlog=0" : `cursor=${this.#epoch}:${this.#seq}`;
    const url = `${this.#ground.url.replace("http", "ws")}/v1/rooms/${room}/socket?presence=none&${cursor}`;
    this.#isWelcome = false;
    const line = this.#ground.connect(url, ["parley.v1", `bearer.${token}`], {
      opened: () => this.#line === line && this.#beat(line),
      // What an earlier line still brings is not heard.
      heard: (text) => this.#line === line && this.#take(text),
      closed: () => this.#lose(line),
    });
    this.#line = line;
    await this.until(() => this.#line !== line || (this.#isWelcome && this.#seq >= this.#head));
    if (this.#line !== line || !this.#isWelcome) {
      this.#ground.add("parley_refused", 1);
      this.leave();
      return false;
    }
    // What was on its way when the connection went is said again, under the same nonces.
    for (const frame of this.#own.unanswered()) line.send(frame);
    return true;
  }

  /** Says the time, by which whoever hears it knows how long it took. Resolves once it is acked. */
  async say(words = ""): Promise<void> {
    const said = this.#own.say(`${Date.now()} ${words}`);
    this.#line?.send(said.frame);
    if (!(await this.until(() => said.isAnswered()))) this.#ground.check("a publish is answered", false);
  }

  /** Says its last message once more, as a client does that has not heard the ack. */
  async repeat(): Promise<void> {
    const said = this.#own.repeat();
    if (said === null) return;
    this.#line?.send(said.frame);
    this.#ground.check("a repeated publish is answered", await this.until(() => said.isAnswered()));
  }

  type(active: boolean): void {
    if (active) this.typedAtMs = Date.now();
    this.#line?.send(JSON.stringify({ type: "typing", active }));
  }

  /** Until all up to `head` has come. */
  catchUp(head: number): Promise<boolean> {
    return this.until(() => this.#seq >= head);
  }

  leave(): void {
    this.#give()?.leave();
  }

  drop(): void {
    this.#give()?.drop();
  }

  /** Until all that it said is answered and heard. */
  async rest(): Promise<void> {
    this.#ground.check("what one said is acked, and heard", await this.until(() => this.#own.isSettled));
  }

  /** Counts what never came of all up to `head`. To be called once, at its end. */
  settle(head: number): void {
    this.#add("parley_missing", Math.max(head, this.#seq) - this.#since - this.#heard);
  }

  /** False when it has not come true in time. */
  until(condition: () => boolean, withinMs = answerMs): Promise<boolean> {
    return this.#watch.until(condition, withinMs);
  }

  #add(figure: Figure, value: number): void {
    this.#ground.add(figure, value);
  }

  /** Whoever has pinged once is expected to go on: a silent one is closed after 75 s. */
  #beat(line: Line): void {
    line.send('{"type":"ping"}');
    this.#stopBeat = this.#ground.after(pingMs, () => this.#beat(line));
  }

  #give(): Line | null {
    const line = this.#line;
    this.#line = null;
    this.#stopBeat();
    return line;
  }

  #lose(line: Line): void {
    // Its own leaving and dropping have taken the line before.
    if (this.#line !== line) return;
    this.#give();
    if (this.#isWelcome) this.#add("parley_cut", 1);
    this.#watch.look();
  }

  #take(text: string): void {
    const told = JSON.parse(text) as Told | Told[];
    for (const frame of Array.isArray(told) ? told : [told]) this.#hear(frame);
    this.#watch.look();
  }

  #hear(frame: Told): void {
    if (frame.type === "welcome") this.#welcome(frame);
    else if (frame.type === "changes") this.#changes(frame);
    else if (frame.type === "ack") this.#own.ack(frame);
    else if (frame.type === "typing") this.#hearTyping(frame.user);
    else if (frame.type === "error") {
      this.#own.refuse(frame.ref);
      this.#add("parley_refused", 1);
    }
  }

  #hearTyping(user: unknown): void {
    const id = typeof user === "string" ? user : String((user as { id?: unknown } | undefined)?.id);
    this.typing.set(id, (this.typing.get(id) ?? 0) + 1);
  }

  #welcome({ epoch = "", head = 0, resumed = false, reconnectJitterMs }: Told): void {
    if (this.#epoch !== null) {
      this.#ground.check("a cursor is resumed", resumed && epoch === this.#epoch);
      if (resumed) this.#add("parley_resumed", 1);
    }
    this.#epoch = epoch;
    this.#head = head;
    this.jitterMs = reconnectJitterMs ?? this.jitterMs;
    this.#isWelcome = true;
  }

  #changes({ from = 0, to = 0, reset = false, changes = [] }: Told): void {
    if (reset) {
      // It asked for no backlog: what it has to hear begins here.
      this.#seq = this.#since = this.#newest = to;
      this.#heard = 0;
      return;
    }
    this.#ground.check("changes follow one another", from <= this.#seq && from <= to);
    if (to <= this.#seq) return;
    for (const { message } of changes) {
      if (message === undefined || message.seq <= this.#seq) continue;
      this.#ground.check("a change lies within its frame", message.seq > from && message.seq <= to);
      if (message.id === message.seq) this.#message(message);
    }
    this.#seq = to;
  }

  /** Nobody edits here, so every change is a new message, and each comes once. */
  #message({ id, nonce, text }: NonNullable<Change["message"]>): void {
    if (id <= this.#newest) return this.#add("parley_twice", 1);
    this.#newest = id;
    this.#heard += 1;
    this.#add("parley_heard", 1);
    if (id > this.#head) this.#add("parley_heard_ms", Math.max(0, Date.now() - Number.parseInt(text ?? "", 10)));
    if (nonce) this.#own.heard(nonce, id);
  }
}
