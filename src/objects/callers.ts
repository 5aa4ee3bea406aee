/** Objects as those see them who call them: by what they are asked, and again where it was lost and may be asked twice. */
import { attempt } from "./failures.ts";

/**
 * Each method answers a promise of what it returns. The platform's own stub type turns an
 * answer that holds `unknown` (a message's `data`) into `never`, and everything here is plain data that arrives as it left.
 */
export type Remote<Named> = {
  readonly [Name in keyof Named]: Named[Name] extends (...args: infer Given) => infer Answer
    ? (...args: Given) => Promise<Awaited<Answer>>
    : never;
};

type AnyMethod = (...given: unknown[]) => Promise<unknown>;
type Find = () => object;

/**
 * Of each kind of object one class of callers, made once: a caller is made for every request. One whose object was lost never
 * finds it again, so each attempt takes a stub of its own.
 */
export function callers(repeats: object): new (find: Find) => object {
  class Caller {
    readonly find: Find;

    constructor(find: Find) {
      this.find = find;
    }
  }
  for (const [name, repeat] of Object.entries(repeats)) {
    const call = function call(this: Caller, ...given: unknown[]): Promise<unknown> {
      const isRepeatable = typeof repeat === "function" ? repeat(...given) === true : repeat === "again";
      return attempt(() => (this.find() as Record<string, AnyMethod>)[name]!(...given), isRepeatable);
    };
    Object.defineProperty(Caller.prototype, name, { value: call });
  }
  return Caller;
}
