/**
 * Calls to objects that fail: what kind of failure it is, when the call is made again, and what the caller is told. The platform
 * says it on the error that a stub throws; an object whose own call fails in this way passes the same error on.
 */
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";

/**
 * - `overloaded`: more waits for the object than it can do. To ask again would only add to it.
 * - `lost`: the object was reset, or the way to it broke. What was asked was done, or not; another stub finds the object again.
 * - `full`: the disk is. What was asked was not done; to ask again is no use before somebody has made room.
 * - `bug`: its code has thrown.
 */
export type Failure = "overloaded" | "lost" | "full" | "bug";

export function failureOf(error: unknown): Failure {
  // SQLite's own word, which a commit that fails takes along to whoever waits for its answer. It has no flag of its own.
  if (error instanceof Error && error.message.includes("SQLITE_FULL")) return "full";
  if (isFlagged(error, "overloaded")) return "overloaded";
  if (isFlagged(error, "durableObjectReset") || isFlagged(error, "retryable")) return "lost";
  // This one comes without a flag where the Worker's own socket to the object broke.
  return error instanceof Error && error.message.startsWith("Network connection lost") ? "lost" : "bug";
}

/** What the caller is told, in place of what an object would have answered. */
export function refusalOf(error: unknown): Refusal {
  const failure = failureOf(error);
  if (failure === "overloaded") return refuse("overloaded", undefined, { retryAfterMs: fixedLimits.overloadedRetryMs });
  if (failure === "full") return refuse("storage_full", "The server's disk is full.");
  if (failure === "lost") return refuse("restarting", undefined, { retryAfterMs: fixedLimits.restartingRetryMs });
  return refuse("internal");
}

/** For `catch`: the refusal in place of a failure that is no bug. A bug is thrown on, to where bugs are written down. */
export function refusedBy(error: unknown): Refusal {
  if (failureOf(error) === "bug") throw error;
  return refusalOf(error);
}

/** Makes the call again, each time on a stub of its own, while it is lost and may be repeated. Throws what the last one threw. */
export async function attempt<Answer>(call: () => Promise<Answer>, isRepeatable: boolean): Promise<Answer> {
  for (let made = 1; ; made++) {
    const called = call();
    try {
      return await called;
    } catch (error) {
      letGo(called);
      if (!isRepeatable || made === fixedLimits.callAttempts || failureOf(error) !== "lost") throw error;
      await pause(made);
    }
  }
}

/** A call that failed keeps hold of the object that made it, which then cannot be evicted, until it is let go. */
function letGo(called: object): void {
  if (Symbol.dispose in called) (called as Disposable)[Symbol.dispose]();
}

/** By chance from nothing to the whole: those who lost the same object must not all come back at once. */
function pause(made: number): Promise<void> {
  const ms = Math.random() * fixedLimits.callPauseMs * 2 ** (made - 1);
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function isFlagged(error: unknown, flag: "overloaded" | "durableObjectReset" | "retryable"): boolean {
  return error instanceof Error && Reflect.get(error, flag) === true;
}
