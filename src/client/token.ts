/** The token: asked of the page's own server before every attempt, and kept for calls over HTTP until it is refused. */
import { ParleyError } from "./error.ts";

export type GetToken = (options: { readonly signal: AbortSignal }) => string | Promise<string>;

const answerMs = 30_000;

export class Tokens {
  readonly #getToken: GetToken;
  readonly #signal: AbortSignal;
  #current: string | null = null;
  #asking: Promise<string> | null = null;

  /** `signal` ends all asking. */
  constructor(getToken: GetToken, signal: AbortSignal) {
    this.#getToken = getToken;
    this.#signal = signal;
  }

  /** The one that is known, or else a new one. */
  async current(): Promise<string> {
    return this.#current ?? this.fresh();
  }

  /** Throws a ParleyError, by itself one that may be tried again. */
  fresh(): Promise<string> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  /** It was refused: nobody uses it again. */
  drop(token: string): void {
    if (this.#current === token) this.#current = null;
  }

  async #ask(): Promise<string> {
    try {
      const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(answerMs)]);
      const asked = this.#getToken({ signal });
      const givenUp = new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
      const token = await Promise.race([asked, givenUp]);
      // The page of an error is none, nor is what its JSON lacks. Said to the server, it would be refused for good.
      if (!token.match(/^[\w.-]*$/)) throw new Error("no token");
      return (this.#current = token);
    } catch (error) {
      if (error instanceof ParleyError) throw error;
      throw new ParleyError("token_unavailable", `\`getToken\` failed: ${String(error)}`, {
        retryable: true,
        cause: error,
      });
    }
  }
}
