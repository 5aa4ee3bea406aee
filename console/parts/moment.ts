/** Times, in milliseconds, in the words of people. */

const units = [
  ["year", 31_536_000_000],
  ["month", 2_592_000_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const exact = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

/** "3 minutes ago", "in 2 days"; within a minute "just now". */
export function relativeTime(atMs: number, nowMs: number): string {
  const awayMs = atMs - nowMs;
  if (Math.abs(awayMs) < 60_000) return awayMs > 0 ? "in a moment" : "just now";
  // What was to last an hour is not said to last 59 minutes a moment later.
  const roundMs = Math.round(awayMs / 60_000) * 60_000;
  const [unit, ms] = units.find(([, unitMs]) => Math.abs(roundMs) >= unitMs) ?? ["minute", 60_000];
  return relative.format(Math.trunc(roundMs / ms), unit);
}

/** "Nov 22, 2026, 00:40:36", by the clock of whoever looks. */
export function exactTime(atMs: number): string {
  return exact.format(atMs);
}
