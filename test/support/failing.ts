/** Objects that fail because a test asks for it: really reset in the midst of a call, or throwing what the platform throws. */
import { vi } from "vitest";
import type { Room } from "../../src/objects/room/room.ts";
import type { Tenant } from "../../src/objects/tenant/tenant.ts";

/** What workerd prints of it says so by this text, and `npm test` leaves it out. */
export const asAsked = "as a test asked";

type Method<T> = { [Name in keyof T]: T[Name] extends (...args: never[]) => unknown ? Name : never }[keyof T] & string;

export interface Failing {
  /** How often the method was called. */
  readonly calls: () => number;
}

interface How {
  /** The first so many calls. */
  readonly times?: number;
  /** What the call asks for is done before. */
  readonly afterwards?: boolean;
}

/** The object is reset in the midst of a call of this method: it loses its memory and its sockets, and its stub is broken. */
export function resetIn(
  object: typeof Room | typeof Tenant,
  method: Method<Room> | Method<Tenant>,
  how: How = {},
): Failing {
  return failIn(object, method, how, (instance) => {
    Reflect.get(instance, "ctx").abort(asAsked);
    return new Promise(() => undefined);
  });
}

/** The method throws what a stub throws whose object is overloaded: that cannot be had in a test, but the way from here on is the real one. */
export function overloadIn(
  object: typeof Room | typeof Tenant,
  method: Method<Room> | Method<Tenant>,
  how: How = {},
): Failing {
  return failIn(object, method, how, () => {
    const error = Object.assign(new Error(`overloaded ${asAsked}`), { overloaded: true, retryable: true });
    error.stack = error.message;
    throw error;
  });
}

function failIn(
  object: typeof Room | typeof Tenant,
  method: string,
  { times = Infinity, afterwards = false }: How,
  fail: (instance: object) => unknown,
): Failing {
  const prototype = object.prototype as unknown as Record<string, (...given: unknown[]) => unknown>;
  const original = prototype[method];
  if (original === undefined) throw new Error(`there is no ${method}`);
  let calls = 0;
  vi.spyOn(prototype, method).mockImplementation(async function failing(this: object, ...given: unknown[]) {
    if (++calls > times) return original.apply(this, given);
    if (afterwards) {
      await original.apply(this, given);
      await Reflect.get(this, "ctx").storage.sync();
    }
    return fail(this);
  });
  return { calls: () => calls };
}
