/** What ends a command, for the person who gave it: said in a few lines, never with a stack. */
import type { Problem } from "../src/protocol/http.ts";

/** Exit codes, for scripts. */
export const exits = { done: 0, refused: 1, usage: 2, unreachable: 3 } as const;

export class Failure extends Error {
  override readonly name: string = "Failure";
  readonly exit: number = exits.refused;
}

/** The command was given in a way that it cannot be followed. It never repeats what was given: it may be a key. */
export class UsageError extends Failure {
  override readonly name = "UsageError";
  override readonly exit = exits.usage;
}

/** Nobody answers, or nobody who speaks as Parley does. */
export class Unreachable extends Failure {
  override readonly name = "Unreachable";
  override readonly exit = exits.unreachable;
}

/** What is known of a refusal: of a problem over HTTP, or of an error of the client. */
export type Refusal = Pick<Problem, "code" | "detail" | "retryable"> &
  Partial<Pick<Problem, "status" | "title" | "requestId" | "limit">> & { readonly retryAfterMs?: number | undefined };

/** The server said no, and why. */
export class Refused extends Failure {
  override readonly name = "Refused";
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.detail);
    this.refusal = refusal;
  }
}

/** The code of a system error (`ECONNREFUSED`), its own or its cause's. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return "code" in error && typeof error.code === "string" ? error.code : systemCode(error.cause);
}
