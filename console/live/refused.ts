/** What the SDK refuses is what the API refuses: shown by the same parts. */
import { ParleyError } from "../../src/client/client.ts";
import { type RefusalCode, refusals } from "../../src/protocol/refusals.ts";
import { ProblemError } from "../problem.ts";

/** A ParleyError as the ProblemError that all of the console shows; anything else as it is. */
export function shownError(error: unknown): unknown {
  if (!(error instanceof ParleyError)) return error;
  if (error.cause instanceof ProblemError) return error.cause;
  const { code, message, status, retryAfterMs } = error;
  const title = isRefusal(code) ? refusals[code].text : "The server was not reached.";
  return new ProblemError({ status, code, title, detail: message, retryAfterMs, requestId: undefined });
}

/** So that a client knows whether to ask for a token again. */
export function clientError(error: unknown): unknown {
  if (!(error instanceof ProblemError)) return error;
  const { code, message, status, retryAfterMs } = error;
  const retryable = !isRefusal(code) || refusals[code].retry !== "no";
  return new ParleyError(isRefusal(code) ? code : "network", message, {
    status,
    retryable,
    retryAfterMs,
    cause: error,
  });
}

function isRefusal(code: string): code is RefusalCode {
  return Object.hasOwn(refusals, code);
}
