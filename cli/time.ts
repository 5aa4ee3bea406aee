/** Times and spans as people write and read them. */
import * as z from "zod";

/** In the zone of this machine: `2026-11-22 01:02:03`. */
export function localTime(ms: number | null): string {
  if (ms === null) return "-";
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":")}`;
}

/** How long to wait: `640 ms`, `3.2 s`, `5 min`. */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.ceil(ms)} ms`;
  return ms < 120_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.ceil(ms / 60_000)} min`;
}

const seconds = { s: 1, m: 60, h: 3_600 };

/** `90s`, `15m`, `1h`, or seconds alone; gives seconds. */
export const Duration = z
  .string()
  .regex(/^\d{1,6}[smh]?$/, "a number with s, m or h behind it, such as 15m")
  .transform((text) => {
    const unit = z.enum(["s", "m", "h"]).catch("s").parse(text.at(-1));
    return Number.parseInt(text, 10) * seconds[unit];
  });
