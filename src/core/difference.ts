/** What differs between two states of the same thing, for whoever is to read what somebody changed. */
import { canonicalJson } from "./auditChain.ts";

type Table = Readonly<Record<string, unknown>>;

/** Only the fields that differ, as they were and as they are, also of tables within; null where none does. */
export function differenceOf<State extends object>(
  was: State,
  is: State,
): { readonly before: PartOf<State>; readonly after: PartOf<State> } | null {
  const found = tableDifference(was as Table, is as Table);
  return found as { before: PartOf<State>; after: PartOf<State> } | null;
}

type PartOf<State> = {
  readonly [Name in keyof State]?: State[Name] extends readonly unknown[] | string | number | boolean | null
    ? State[Name]
    : Partial<State[Name]>;
};

function tableDifference(was: Table, is: Table): { before: Table; after: Table } | null {
  const before: Record<string, unknown> = {};
  const after: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(was), ...Object.keys(is)])) {
    const [one, other] = [was[name], is[name]];
    if (canonicalJson(one ?? null) === canonicalJson(other ?? null)) continue;
    const inner = isTable(one) && isTable(other) ? tableDifference(one, other) : null;
    before[name] = inner === null ? one : inner.before;
    after[name] = inner === null ? other : inner.after;
  }
  return Object.keys(after).length === 0 ? null : { before, after };
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
