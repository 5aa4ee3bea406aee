/** One judge for everything that is broken on purpose: what was acked, beside what is stored, beside what each reader was told. */
import type { Message } from "../../src/protocol/message.ts";
import type { Publication } from "./publisher.ts";

/** A reader at the end, which has been told of everything. */
export interface Witness {
  readonly name: string;
  /** Ids of messages in the order in which it was told of them; null where it only has a copy to show. */
  readonly told: readonly number[] | null;
  /** What is wrong with what it holds, beside a history that is known to be whole. */
  faultsBeside(history: readonly Message[]): readonly string[];
}

export interface Evidence {
  readonly room: string;
  readonly sent: readonly Publication[];
  /** The whole room, in which nothing but messages was published. */
  readonly history: readonly Message[];
  readonly witnesses: readonly Witness[];
}

/** Each is to be 0, but `acked` and `readers`. */
export interface Verdict {
  readonly acked: number;
  /** Acked, and not in history with that id, as it was sent. */
  readonly lost: number;
  /** Copies of a nonce beyond the first. */
  readonly duplicated: number;
  /** Ids that nobody has. */
  readonly gaps: number;
  /** Messages below the one before them. */
  readonly outOfOrder: number;
  /** Messages whose seq is not their id, or not the one that their ack said. */
  readonly wrongSeq: number;
  readonly readers: number;
  /** Messages that a reader was not told of, was told of again, or too late. */
  readonly untold: number;
  readonly toldTwice: number;
  readonly toldOutOfOrder: number;
  /** Readers that do not hold the history. */
  readonly differing: number;
  /** One line for each thing that must not be. Empty is a pass. */
  readonly violations: readonly string[];
}

export function judge({ room, sent, history, witnesses }: Evidence): Verdict {
  const byId = new Map(history.map((message) => [message.id, message]));
  const acked = sent.filter(({ ack }) => ack !== undefined);
  const lost = acked.filter((publication) => !isStored(publication, byId.get(publication.ack?.id ?? 0)));
  const copies = [...countBy(history.map(keyOf))].filter(([, count]) => count > 1);
  const outOfOrder = history.filter(({ id }, index) => id <= (history[index - 1]?.id ?? 0));
  const ids = new Set(byId.keys());
  const gaps = Array.from({ length: Math.max(0, ...ids) }, (_, index) => index + 1).filter((id) => !ids.has(id));
  const wrongSeq = [
    ...history.filter(({ id, seq }) => id !== seq).map(({ id }) => id),
    ...acked.flatMap(({ ack }) => (ack?.seq !== undefined && ack.seq !== ack.id ? [ack.id] : [])),
  ];
  const hearings = witnesses.map((witness) => hearing(witness, history));
  const sum = (of: (one: Hearing) => number): number => hearings.reduce((total, one) => total + of(one), 0);
  return {
    acked: acked.length,
    lost: lost.length,
    duplicated: copies.reduce((total, [, count]) => total + count - 1, 0),
    gaps: gaps.length,
    outOfOrder: outOfOrder.length,
    wrongSeq: wrongSeq.length,
    readers: witnesses.length,
    untold: sum(({ untold }) => untold),
    toldTwice: sum(({ toldTwice }) => toldTwice),
    toldOutOfOrder: sum(({ toldOutOfOrder }) => toldOutOfOrder),
    differing: hearings.filter(({ faults }) => faults.length > 0).length,
    violations: [
      ...lost.map(({ user, nonce, ack }) => `${user} ${nonce} was acked as ${ack?.id} and is lost`),
      ...copies.map(([key, count]) => `${key} is stored ${count} times`),
      ...outOfOrder.map(({ id }) => `message ${id} is out of order`),
      ...gaps.map((id) => `there is no message ${id}`),
      ...wrongSeq.map((id) => `message ${id} has another seq`),
      ...hearings.flatMap((one) => one.faults),
    ].map((violation) => `${room}: ${violation}`),
  };
}

/** Of several rooms together. */
export function sumOf(verdicts: readonly Verdict[]): Verdict {
  const sum = (of: (verdict: Verdict) => number): number => verdicts.reduce((total, one) => total + of(one), 0);
  return {
    acked: sum(({ acked }) => acked),
    lost: sum(({ lost }) => lost),
    duplicated: sum(({ duplicated }) => duplicated),
    gaps: sum(({ gaps }) => gaps),
    outOfOrder: sum(({ outOfOrder }) => outOfOrder),
    wrongSeq: sum(({ wrongSeq }) => wrongSeq),
    readers: sum(({ readers }) => readers),
    untold: sum(({ untold }) => untold),
    toldTwice: sum(({ toldTwice }) => toldTwice),
    toldOutOfOrder: sum(({ toldOutOfOrder }) => toldOutOfOrder),
    differing: sum(({ differing }) => differing),
    violations: verdicts.flatMap(({ violations }) => violations),
  };
}

export function keyOf(from: Message | Publication): string {
  return `${"sender" in from ? (from.sender?.id ?? "") : from.user} ${from.nonce}`;
}

export function countBy(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

interface Hearing {
  readonly untold: number;
  readonly toldTwice: number;
  readonly toldOutOfOrder: number;
  readonly faults: readonly string[];
}

/** Whoever is told is told of everything from the first message on that it was told of. */
function hearing(witness: Witness, history: readonly Message[]): Hearing {
  const told = witness.told ?? [];
  const once = new Set(told);
  const [first = Infinity] = told;
  const untold = history.filter(({ id }) => id >= first && !once.has(id)).length;
  const toldTwice = told.length - once.size;
  const toldOutOfOrder = told.filter((id, index) => id < (told[index - 1] ?? 0)).length;
  const faults = [
    ...(witness.told?.length === 0 && history.length > 0 ? ["was told of nothing"] : []),
    ...(untold > 0 ? [`was not told of ${untold} messages`] : []),
    ...(toldTwice > 0 ? [`was told of ${toldTwice} messages again`] : []),
    ...(toldOutOfOrder > 0 ? [`was told of ${toldOutOfOrder} messages too late`] : []),
    ...witness.faultsBeside(history),
  ].map((fault) => `${witness.name}: ${fault}`);
  return { untold, toldTwice, toldOutOfOrder, faults };
}

/** As it was acked and as it was sent. */
function isStored({ user, nonce, text, ack }: Publication, message: Message | undefined): boolean {
  return (
    message !== undefined &&
    (ack?.seq === undefined || message.seq === ack.seq) &&
    message.sender?.id === user &&
    message.nonce === nonce &&
    message.text === text
  );
}
