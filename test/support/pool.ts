import { reset } from "cloudflare:test";
import { afterAll } from "vitest";

/** The files of one process share its modules, and none its objects: what a file leaves behind would wake in the midst of the next. */
afterAll(reset);

/**
 * Keeps the test pool as fast as it begins. vitest-pool-workers 0.22 puts one more proxy around the prototype of an entrypoint
 * or object class with every instance (`createProxyPrototypeClass`), so that each request through `exports` and each object
 * that wakes makes all later calls slower: `GET /health` took 1.6 ms at first, 20 ms after 300 requests, 80 ms after 600.
 * One such proxy does all that a stack of them does.
 */
const made = new WeakSet();

// Each file of a process runs this anew.
const wrapped = Symbol.for("parley.wrapped");

if (!Reflect.has(globalThis.Proxy, wrapped)) {
  globalThis.Proxy = new Proxy(globalThis.Proxy, {
    has: (target, name) => name === wrapped || Reflect.has(target, name),
    construct(target, [object, handler]: [object, ProxyHandler<object>]) {
      if (made.has(object)) return object;
      const proxy = new target(object, handler);
      if (String(handler.get).includes("getUnknownPrototypeKey")) made.add(proxy);
      return proxy;
    },
  });
}
