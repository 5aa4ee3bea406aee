/** What the API refuses, as an error of the console. */

export interface ProblemDetails {
  /** Of HTTP; 0 where no server has answered. */
  readonly status: number;
  /** A code of the table of refusals (/errors), or `network`. */
  readonly code: string;
  /** What the code means. */
  readonly title: string;
  /** What it was this time. */
  readonly detail: string;
  readonly retryAfterMs: number | undefined;
  /** To be told to whoever runs the server. */
  readonly requestId: string | undefined;
}

/** Thrown by `answered`. `message` is the detail, in the API's own words: show it as it is. */
export class ProblemError extends Error implements ProblemDetails {
  override readonly name = "ProblemError";
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly retryAfterMs: number | undefined;
  readonly requestId: string | undefined;

  constructor(details: ProblemDetails, options?: ErrorOptions) {
    super(details.detail, options);
    this.status = details.status;
    this.code = details.code;
    this.title = details.title;
    this.detail = details.detail;
    this.retryAfterMs = details.retryAfterMs;
    this.requestId = details.requestId;
  }
}

/** The problem that an answer tells. A proxy in between may have answered with something else. */
export async function problemOf(response: Response): Promise<ProblemError> {
  const body: unknown = await response.json().catch(() => null);
  const told = new Map(typeof body === "object" && body !== null ? Object.entries(body) : []);
  const text = (name: string): string | undefined => {
    const value: unknown = told.get(name);
    return typeof value === "string" ? value : undefined;
  };
  const retryAfterMs: unknown = told.get("retryAfterMs");
  const title = text("title") ?? `The server answered ${response.status}.`;
  return new ProblemError({
    status: response.status,
    code: text("code") ?? "unknown",
    title,
    detail: text("detail") ?? title,
    retryAfterMs: typeof retryAfterMs === "number" ? retryAfterMs : undefined,
    requestId: text("requestId") ?? response.headers.get("X-Request-Id") ?? undefined,
  });
}

export function unreached(cause: unknown): ProblemError {
  const title = "The server was not reached.";
  return new ProblemError(
    {
      status: 0,
      code: "network",
      title,
      detail: `${title} Is it running, and are you online?`,
      retryAfterMs: undefined,
      requestId: undefined,
    },
    { cause },
  );
}
