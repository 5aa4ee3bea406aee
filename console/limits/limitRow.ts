/** The limits of a tenant as they are listed: what each counts, and how it stands. */
import type { LimitName, Limits } from "../../src/protocol/limits.ts";
import { tenantLimits } from "../../src/protocol/limits/tenant.ts";
import { bytes, count } from "../parts/amount.ts";

export interface LimitRow {
  readonly name: LimitName;
  readonly value: number;
  readonly default: number;
  readonly ceiling: number;
  readonly reason: string;
  readonly unit: string;
}

export function limitRows(limits: Limits): LimitRow[] {
  return names.map((name) => ({ name, value: limits[name], unit: unitOf(name), ...tenantLimits[name] }));
}

export function matches({ name, reason }: LimitRow, words: string): boolean {
  const text = `${name} ${reason}`.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** "25 MB" for what counts bytes, "12,345" for all else. */
export function amount({ unit }: Pick<LimitRow, "unit">, value: number): string {
  return unit.startsWith("bytes") ? bytes(value) : count(value);
}

const names = Object.keys(tenantLimits) as LimitName[];

/** A limit says in its name what it counts. */
function unitOf(name: LimitName): string {
  const found = [...whats, ...whens].filter(([part]) => name.includes(part));
  return found.map(([, words]) => words).join(" ");
}

const whats = [
  ["Bytes", "bytes"],
  ["Length", "UTF-16 units"],
] as const;
const whens = [
  ["PerSecond", "a second"],
  ["PerDay", "a day"],
  ["Burst", "at once"],
] as const;
