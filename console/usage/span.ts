/** Of which time usage is shown: hours by the clock of whoever looks, days of UTC. */

const hourMs = 3_600_000;

export const spans = {
  day: { label: "24 hours", by: "hour", count: 24 },
  week: { label: "7 days", by: "hour", count: 168 },
  month: { label: "30 days", by: "day", count: 30 },
  quarter: { label: "90 days", by: "day", count: 90 },
} as const;

export type SpanName = keyof typeof spans;

/** When the first hour or day begins, so that the running one is the last. */
export function beginOf(name: SpanName, nowMs: number): number {
  const stepMs = stepOf(name);
  return Math.floor(nowMs / stepMs) * stepMs - (spans[name].count - 1) * stepMs;
}

export function stepOf(name: SpanName): number {
  return spans[name].by === "hour" ? hourMs : 24 * hourMs;
}

const hour = new Intl.DateTimeFormat("en", {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const day = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: "UTC" });

export function spanText(name: SpanName, fromMs: number): string {
  return (spans[name].by === "hour" ? hour : day).format(fromMs);
}

const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const localDay = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });

/** Beneath a chart: "06:00", and the day where it begins. */
export function axisText(name: SpanName, atMs: number): string {
  if (spans[name].by === "day") return day.format(atMs);
  const time = clock.format(atMs);
  return time === "00:00" ? localDay.format(atMs) : time;
}
