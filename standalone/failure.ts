/** What keeps the server from starting, in one line for the person who started it: it is printed without a stack. */
export class Failure extends Error {
  override readonly name = "Failure";
}

/** The code of a system error (`EACCES`), or undefined. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
