/** The early warning: told once when four fifths of a limit are used, and again only after half of it was free. */
import type { LimitLevel } from "../protocol/serverFrames.ts";

/** The scopes of which a connection has been warned. */
export type Warned = ReadonlySet<string>;

export function isLow({ limit, remaining }: LimitLevel): boolean {
  return remaining <= limit / 5;
}

export function warningsOf(
  levels: readonly LimitLevel[],
  warned: Warned,
): { readonly due: readonly LimitLevel[]; readonly warned: Warned } {
  const due = levels.filter((level) => isLow(level) && !warned.has(level.scope));
  const over = levels.filter(({ scope, limit, remaining }) => remaining > limit / 2 && warned.has(scope));
  if (due.length === 0 && over.length === 0) return { due, warned };
  const still = [...warned].filter((scope) => !over.some((level) => level.scope === scope));
  return { due, warned: new Set([...still, ...due.map(({ scope }) => scope)]) };
}
