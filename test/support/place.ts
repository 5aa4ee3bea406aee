/** One room under a clock that stands still, with everything that a test of what is live in it does. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { PresentMember, ServerFrame } from "../../src/protocol/serverFrames.ts";
import { call, everything, newTenant, newToken, type TestTenant } from "./api.ts";
import { eventually, pass } from "./clock.ts";
import { Observer } from "./observer.ts";
import { evict, query, roomObject } from "./room.ts";
import { roomy } from "./roomy.ts";
import { connect, type SocketOptions, type TestSocket } from "./socket.ts";

/** Longer than one fold, so that what happens next is told at once. */
export const spanMs = 250;
export const graceMs = fixedLimits.presenceGraceMs;
export const here = "general";
let asked = 0;

export interface Entering extends Partial<SocketOptions> {
  readonly capabilities?: readonly string[];
}

export class Place {
  readonly tenant: TestTenant;
  readonly room: string;
  readonly #tokens = new Map<string, string>();

  constructor(tenant: TestTenant, room: string) {
    this.tenant = tenant;
    this.room = room;
  }

  async token(user: string, capabilities: readonly string[] = everything): Promise<string> {
    const key = `${user} ${capabilities.join()}`;
    const known = this.#tokens.get(key);
    if (known !== undefined) return known;
    const made = await newToken(this.tenant, user, { "*": capabilities });
    this.#tokens.set(key, made);
    return made;
  }

  /** At once, in the same fold as what happened just now. */
  async slipIn(user: string, { capabilities = everything, ...options }: Entering = {}): Promise<TestSocket> {
    return connect(this.room, {
      token: options.token ?? (await this.token(user, capabilities)),
      presence: "full",
      ...options,
    });
  }

  async enter(user: string, options: Entering = {}): Promise<TestSocket> {
    pass(spanMs);
    return this.slipIn(user, options);
  }

  async watch(user: string): Promise<Observer> {
    return new Observer(await this.enter(user));
  }

  /** As the tenant's server, with a key that names no user. */
  async oversee(): Promise<Observer> {
    pass(spanMs);
    return new Observer(await connect(this.room, { token: this.tenant.key, presence: "full" }));
  }

  async set(socket: TestSocket, state: unknown): Promise<ServerFrame> {
    pass(spanMs);
    return ask(socket, { type: "presence.set", state });
  }

  async exit(...sockets: TestSocket[]): Promise<void> {
    for (const socket of sockets) {
      pass(spanMs);
      await this.slipOut(socket);
    }
  }

  async slipOut(...sockets: TestSocket[]): Promise<void> {
    for (const socket of sockets) socket.close();
    await eventually(
      () => sockets.every(({ closed }) => closed !== null),
      () => sockets.map(({ frames }) => frames.slice(-3)),
    );
  }

  /** Publishes as the tenant's server. */
  async post(text: string): Promise<number> {
    const body = { text };
    const options = { method: "POST", credential: this.tenant.key, body };
    const posted = await call(`/v1/rooms/${this.room}/messages`, options);
    return (await posted.json<{ message: { id: number } }>()).message.id;
  }

  /** What is published now comes after all that was to be told. */
  async fence(...observers: (Observer | TestSocket)[]): Promise<void> {
    pass(fixedLimits.presenceCrowdFrameMs);
    const head = await this.post("fence");
    for (const observer of observers) {
      const socket = observer instanceof Observer ? observer.socket : observer;
      await eventually(
        () => (socket.of("changes").at(-1)?.to ?? 0) >= head || socket.closed !== null,
        () => socket.frames.slice(-5),
      );
      if (observer instanceof Observer) observer.read();
    }
  }

  ring(): Promise<boolean> {
    return runDurableObjectAlarm(roomObject(this.tenant, this.room));
  }

  /**
   * A room that is about to be evicted has told all: a timer of its own would keep it awake (docs/decisions/0014). It is woken
   * at once, because the pool makes an object only inside the event that wakes it, when a socket that closes is listed no
   * more; workerd makes it before, asleep or not.
   */
  async forget(): Promise<void> {
    await evict(this.tenant, this.room);
    await query(this.tenant, this.room, "SELECT 1");
  }

  async listed(): Promise<PresentMember[]> {
    const members: PresentMember[] = [];
    for (let after: string | undefined = ""; after !== undefined;) {
      const start = after === "" ? "" : `&after=${encodeURIComponent(after)}`;
      const path = `/v1/rooms/${this.room}/presence?limit=200${start}`;
      const answer = await call(path, { credential: this.tenant.key });
      const page: { items: PresentMember[]; next?: string } = await answer.json();
      members.push(...page.items);
      after = page.next;
    }
    return members;
  }

  /** By user, as JSON. */
  async states(): Promise<Record<string, string>> {
    return Object.fromEntries((await this.listed()).map(({ user, state }) => [user, JSON.stringify(state)]));
  }

  leavers(): Promise<{ user: string; gone_at: number }[]> {
    return query(this.tenant, this.room, "SELECT user, gone_at FROM leaver ORDER BY user");
  }

  /** When the job is due; null where there is none. */
  async dueMs(job: string): Promise<number | null> {
    const rows = await query<{ name: string; at: number }>(this.tenant, this.room, "SELECT name, at FROM job");
    return rows.find(({ name }) => name === job)?.at ?? null;
  }
}

export async function place(limits: Readonly<Record<string, number>> = roomy, room = here): Promise<Place> {
  return new Place(await newTenant(limits), room);
}

export async function ask(socket: TestSocket, frame: object): Promise<ServerFrame> {
  const ref = `r${++asked}`;
  socket.send({ ...frame, ref });
  const found = (): ServerFrame | undefined => socket.frames.find((answer) => "ref" in answer && answer.ref === ref);
  await eventually(
    () => found() !== undefined,
    () => ({ asked: frame, frames: socket.frames.slice(-5) }),
  );
  const answer = found();
  if (answer === undefined) throw new Error("unreachable");
  return answer;
}
