/** Times, in milliseconds, in the words of people. */

const units = [
  ["year", 31_536_000_000],
  ["month", 2_592_000_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const exact = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });

/** "3 minutes ago", "in 2 days"; within a minute "just now". */
export function relativeTime(atMs: number, nowMs: number): string {
  const awayMs = atMs - nowMs;
  for (const [unit, ms] of units) if (Math.abs(awayMs) >= ms) return relative.format(Math.trunc(awayMs / ms), unit);
  return awayMs > 0 ? "in a moment" : "just now";
}

/** "Nov 22, 2026, 12:40:36 AM", by the clock of whoever looks. */
export function exactTime(atMs: number): string {
  return exact.format(atMs);
}
