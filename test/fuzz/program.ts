/** What may happen to a room and its readers, as data: generated, shrunk, and run again from a seed. */
import * as fc from "fast-check";

/** A number that picks one of what there is at that moment, however many there are. */
type Pick = number;

/** What is said. `who` sends it: one of the readers that are connected. */
export type Saying =
  | {
      readonly do: "publish";
      readonly who: Pick;
      readonly count: number;
      readonly expiresInMs: number | null;
      /** Of each of them. */
      readonly files: number;
    }
  | { readonly do: "reply" | "edit" | "delete" | "read"; readonly who: Pick; readonly message: Pick }
  | { readonly do: "react"; readonly who: Pick; readonly message: Pick; readonly emoji: Pick };

/** What the tenant's server does. */
export type Governing =
  | { readonly do: "member"; readonly user: Pick; readonly role: "owner" | "member" | null }
  | { readonly do: "freeze" }
  /** Begins or ends a shadow ban, where the program has any. */
  | { readonly do: "shadow"; readonly user: Pick }
  | { readonly do: "pin"; readonly message: Pick; readonly remove: boolean }
  | { readonly do: "retain"; readonly message: Pick }
  | { readonly do: "erase"; readonly user: Pick };

/** What a reader does, or its line. */
export type Reading =
  | { readonly do: "deliver"; readonly who: Pick; readonly count: number; readonly returns: boolean }
  | { readonly do: "cut"; readonly who: Pick }
  | { readonly do: "page"; readonly who: Pick; readonly overSocket: boolean }
  | { readonly do: "late"; readonly who: Pick; readonly index: Pick };

/** The room loses its memory. `lose`: for whom frames that were not delivered are lost although the socket stays. */
export type Evicting = {
  readonly do: "evict";
  readonly sockets: "hibernate" | "close";
  readonly lose: readonly Pick[];
};

export type Command =
  | Saying
  | Governing
  | Reading
  | Evicting
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "sweep" | "recreate" }
  /** A reader to whom all is delivered must hold all. */
  | { readonly do: "check"; readonly who: Pick };

export interface Program {
  /** All but the first reader are shadow-banned now and then, and may not moderate: what is hidden is hidden from them. */
  readonly shadows: boolean;
  /** The room keeps what was edited and deleted. */
  readonly keeps: boolean;
  /** Besides the one that is always there. */
  readonly visitors: number;
  /** Before anyone but the first reader comes. */
  readonly before: readonly Command[];
  readonly commands: readonly Command[];
  /** Whether the room loses its memory at the very end, and for whom the last frames are lost then. */
  readonly ending: { readonly evict: boolean; readonly lose: readonly Pick[] };
}

const pick = fc.nat({ max: 59 });
/** Any length, so that what fails can be made short. */
const long = { maxLength: 90, size: "max" } as const;
const picks = fc.array(pick, { maxLength: 3 });

function weighted<T>(...parts: (readonly [number, fc.Arbitrary<T>])[]): fc.Arbitrary<T> {
  return fc.oneof(...parts.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

const named = <Name extends Command["do"]>(name: Name): fc.Arbitrary<Name> => fc.constant(name);
const files = weighted([9, fc.constant(0)], [1, fc.integer({ min: 1, max: 2 })]);
const publish = (count: fc.Arbitrary<number>, expiresInMs: fc.Arbitrary<number | null>): fc.Arbitrary<Command> =>
  fc.record({ do: named("publish"), who: pick, count, expiresInMs, files });
const evict = (sockets: "hibernate" | "close", lose: fc.Arbitrary<number[]>): fc.Arbitrary<Command> =>
  fc.record({ do: named("evict"), sockets: fc.constant(sockets), lose });

/** About as often as in the executable model, but in batches: here each command costs a way to the room and back. */
const change = weighted<Command>(
  [25, publish(fc.integer({ min: 1, max: 4 }), fc.constant(null))],
  [5, publish(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1_000, max: 4_000 }))],
  [3, publish(fc.integer({ min: 8, max: 16 }), fc.constant(null))],
  [10, fc.record({ do: named("reply"), who: pick, message: pick })],
  [8, fc.record({ do: named("edit"), who: pick, message: pick })],
  [10, fc.record({ do: named("react"), who: pick, message: pick, emoji: fc.nat({ max: 2 }) })],
  [4, fc.record({ do: named("delete"), who: pick, message: pick })],
  [1, fc.record({ do: named("read"), who: pick, message: pick })],
  [6, fc.record({ do: named("member"), user: pick, role: fc.constantFrom("owner", "member", null) })],
  [2, fc.record({ do: named("freeze") })],
  [4, fc.record({ do: named("shadow"), user: pick })],
  [
    4,
    fc.record({ do: named("pin"), message: pick, remove: weighted([3, fc.constant(false)], [1, fc.constant(true)]) }),
  ],
  [3, fc.record({ do: named("retain"), message: pick })],
  [2, fc.record({ do: named("erase"), user: pick })],
  [2, fc.record({ do: named("sweep") })],
  [6, fc.record({ do: named("wait"), ms: fc.integer({ min: 1, max: 1_000 }) })],
);

const deliver: fc.Arbitrary<Command> = fc.record({
  do: named("deliver"),
  who: pick,
  count: fc.integer({ min: 1, max: 4 }),
  returns: fc.boolean(),
});
const page: fc.Arbitrary<Command> = fc.record({ do: named("page"), who: pick, overSocket: fc.boolean() });
const late: fc.Arbitrary<Command> = fc.record({ do: named("late"), who: pick, index: pick });

const anything = weighted<Command>(
  [45, change],
  [3, evict("hibernate", picks)],
  [1, evict("close", fc.constant([]))],
  [1, fc.record({ do: named("recreate") })],
  [25, deliver],
  [6, fc.record({ do: named("cut"), who: pick })],
  [12, page],
  [6, late],
  [3, fc.record({ do: named("check"), who: pick })],
);

/** A quiet room whose readers scroll back while old messages change: what pages are hard for needs this to be frequent. */
const scrolling = weighted<Command>(
  [4, publish(fc.integer({ min: 1, max: 2 }), fc.constant(null))],
  [30, fc.record({ do: named("edit"), who: pick, message: pick })],
  [15, fc.record({ do: named("react"), who: pick, message: pick, emoji: fc.nat({ max: 2 }) })],
  [4, fc.record({ do: named("delete"), who: pick, message: pick })],
  [25, page],
  [25, deliver],
  [10, late],
  [3, fc.record({ do: named("cut"), who: pick })],
);

/** Members that come, go and are erased while readers are away for a few changes only. */
const belonging = weighted<Command>(
  [6, publish(fc.constant(1), fc.constant(null))],
  [30, fc.record({ do: named("member"), user: pick, role: fc.constantFrom("owner", "member", null) })],
  [8, fc.record({ do: named("erase"), user: pick })],
  [4, fc.record({ do: named("freeze") })],
  [3, evict("hibernate", picks)],
  [30, deliver],
  [12, fc.record({ do: named("cut"), who: pick })],
  [10, late],
);

export const Program: fc.Arbitrary<Program> = fc.record({
  shadows: weighted([1, fc.constant(true)], [2, fc.constant(false)]),
  keeps: fc.boolean(),
  visitors: fc.integer({ min: 1, max: 3 }),
  before: fc
    .tuple(publish(fc.integer({ min: 1, max: 16 }), fc.constant(null)), fc.array(change, { maxLength: 6, size: "max" }))
    .map(([first, others]) => [first, ...others]),
  commands: weighted([4, fc.array(anything, long)], [2, fc.array(scrolling, long)], [1, fc.array(belonging, long)]),
  ending: fc.record({ evict: fc.boolean(), lose: picks }),
});

/** The same seed is the same program. */
export function programOf(seed: number): Program {
  const [program] = fc.sample(Program, { seed, numRuns: 1, unbiased: true });
  if (program === undefined) throw new Error("unreachable");
  return program;
}
