/** What a scenario stands on: k6 or Node. It asks, connects, waits and counts; what must hold is for the scenario to say. */

export interface Ground {
  /** Without a trailing slash. */
  readonly url: string;
  /** Of a tenant: all its rooms, users and tokens are made with it. */
  readonly key: string;
  readonly sizes: Sizes;
  /** Which part of the scenario this is, from 0; all parts are played at once. */
  readonly place: number;
  /** When all parts began. */
  readonly sinceMs: number;
  /** Resolves when the whole body has come. */
  ask: (question: Question) => Promise<Answer>;
  /** Whether what `listen` hears is told as it comes, and `cut` ends it; else all of it is told once the server has ended the stream. */
  readonly hearsAsItComes: boolean;
  /** Opens a stream of events. */
  listen: (question: Question, ear: StreamEar) => Stream;
  connect: (url: string, protocols: readonly string[], ear: Ear) => Line;
  check: (promise: string, holds: boolean) => void;
  add: (figure: Figure, value: number) => void;
  /** Resolves when all places have come to here; where the ground cannot tell, or some do not come, at this time. */
  meet: (byMs: number) => Promise<void>;
  /** Calls later, unless what it returns is called before. */
  after: (ms: number, call: () => void) => () => void;
}

export interface Sizes {
  readonly users: number;
  /** So many of them in one place; what a place is, the scenario says. */
  readonly perPlace: number;
  readonly seconds: number;
}

export interface Question {
  readonly method: "GET" | "POST" | "PATCH";
  readonly path: string;
  /** A token or an API key. */
  readonly bearer?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text is sent as it is, everything else as JSON. */
  readonly body?: unknown;
}

export interface Answer {
  /** 0 when none came. */
  readonly status: number;
  /** By name, in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One connection. */
export interface Line {
  send: (text: string) => void;
  leave: () => void;
  /** As a cut network does, where the ground can; k6 can only say goodbye. */
  drop: () => void;
}

export interface Ear {
  readonly opened: () => void;
  readonly heard: (text: string) => void;
  /** Once, also where it never opened. */
  readonly closed: () => void;
}

/** One stream of events. */
export interface Stream {
  /** As a cut network does. Nothing is told afterwards. */
  cut: () => void;
}

export interface StreamEar {
  /** First, unless no answer came. A refusal is one, too. */
  readonly opened: (head: Omit<Answer, "body">) => void;
  readonly event: (event: StreamedEvent) => void;
  /** A comment, by which a stream says that it lives. */
  readonly beat: () => void;
  /** Once, with how many lines there were that no stream of events has. */
  readonly closed: (faults: number) => void;
}

export interface StreamedEvent {
  readonly name: string;
  /** Of this very event; null where it has none. */
  readonly id: string | null;
  readonly data: string;
}

/** What is counted. Those that end with `_ms` are times, of which percentiles are told. */
export const figures = [
  "parley_missing",
  "parley_twice",
  "parley_heard",
  "parley_refused",
  "parley_cut",
  "parley_resumed",
  "parley_resumed_after_cut",
  "parley_heard_ms",
  "parley_ack_ms",
  "parley_caught_up_ms",
  "parley_beat_ms",
] as const;
export type Figure = (typeof figures)[number];

export type Thresholds = Readonly<Record<string, readonly string[]>>;

export interface Scenario {
  readonly sizes: Sizes;
  /** As k6 writes them: `count==0`, `rate==1`, `p(95)<500`. */
  readonly thresholds: Thresholds;
  /** Those which only a ground can judge that hears streams as they come. Elsewhere they do not hold: they are not judged. */
  readonly asItComes?: Thresholds;
  /** One place of it. What throws fails a check. */
  readonly play: (ground: Ground) => Promise<void>;
}

export function placesOf({ users, perPlace }: Sizes): number {
  return Math.ceil(users / perPlace);
}

/** Users of this place. */
export function usersHere({ sizes, place }: Ground): number {
  return Math.min(sizes.perPlace, sizes.users - place * sizes.perPlace);
}

export function delay(ground: Ground, ms: number): Promise<void> {
  return new Promise((resolve) => {
    ground.after(ms, resolve);
  });
}

export function isOver({ sinceMs, sizes }: Ground): boolean {
  return Date.now() >= sinceMs + sizes.seconds * 1_000;
}

/** Like no other run's on the same server. */
export function roomOf({ sinceMs }: Ground, name: string): string {
  return `load-${name}-${sinceMs.toString(36)}`;
}
