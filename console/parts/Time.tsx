/** A time as people say it, with the exact one on pointing at it. */
import { useInterval } from "@mantine/hooks";
import { useState } from "react";
import { exactTime, relativeTime } from "./moment.ts";

export interface TimeProps {
  /** Milliseconds since 1970; null where it never was. */
  readonly at: number | null;
  /** What is said where it never was. */
  readonly never?: string;
}

/** It goes on counting while it is shown. */
export function Time({ at, never = "never" }: TimeProps) {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useInterval(() => setNowMs(Date.now()), 30_000, { autoInvoke: true });
  if (at === null) return never;
  return (
    <time dateTime={new Date(at).toISOString()} title={exactTime(at)}>
      {relativeTime(at, nowMs)}
    </time>
  );
}
