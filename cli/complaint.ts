/** What went wrong, said on stderr: to a person in a few lines, to a program as one of JSON. Never a stack, never a key. */
import { exits, Failure, Refused, type Refusal, UsageError } from "./failure.ts";
import { ParleyError } from "../src/client/error.ts";
import { styled, type Terminal } from "./terminal.ts";
import { localTime, span } from "./time.ts";

export interface Told {
  readonly json: boolean;
  /** Of the command that was given, where it was one. */
  readonly usage: string | null;
}

/** Gives the exit code. */
export function tell(error: unknown, terminal: Terminal, { json, usage }: Told): number {
  const failure = failureOf(error);
  if (json) {
    terminal.noteJson({ error: failure instanceof Refused ? failure.refusal : { detail: failure.message } });
    return failure.exit;
  }
  if (failure instanceof Refused) refused(failure.refusal, terminal);
  else terminal.note(styled("red", "parley: "), failure.message);
  if (failure instanceof UsageError && usage !== null) terminal.note(`usage: ${usage}`);
  return failure.exit;
}

/** What the client says by itself is no refusal of the server's. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof ParleyError) {
    const { code, status, message: detail, retryable, retryAfterMs, limit } = error;
    if (status === 0 && code === "network") return Object.assign(new Failure(detail), { exit: exits.unreachable });
    const told = { code, detail, retryable, retryAfterMs, limit } as Refusal;
    return new Refused(status === 0 ? told : { ...told, status });
  }
  // A fault of ours: its text may help, its stack would not.
  return new Failure(`something went wrong here: ${error instanceof Error ? error.message : String(error)}`);
}

function refused(refusal: Refusal, terminal: Terminal): void {
  const { title = refusal.detail, detail, code, status, requestId, retryAfterMs, limit } = refusal;
  terminal.note(styled("red", "parley: "), title);
  if (detail !== title) terminal.note("  ", detail);
  if (limit !== undefined) terminal.note(`  limit: ${limit.limit} in ${span(limit.windowMs)} (${limit.scope})`);
  if (retryAfterMs !== undefined)
    terminal.note(`  come again in ${span(retryAfterMs)}, at ${localTime(Date.now() + retryAfterMs)}`);
  const of = requestId === undefined ? "" : `, request ${requestId}`;
  terminal.note(styled("dim", `  ${code}${status === undefined ? "" : ` (${status})`}${of}`));
}
