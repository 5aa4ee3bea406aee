/** The way out of the Worker on one machine: what it may call. */
import type { V4WorkerOptions } from "miniflare";

export const outboundWorker = "outbound";

/** IPv6 that stands for an IPv4 address, which the runtime would not see: NAT64, 6to4, Teredo. */
const translated = ["64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"];

/**
 * Every `fetch` of the Worker goes through this one, because Miniflare's own network has no rules and its option for another
 * takes none but a worker. The runtime holds the addresses to which a name resolves against `allow` and `deny`, at each
 * connection: a name that is public today and leads to 127.0.0.1 tomorrow is refused then.
 */
export function outboundOptions({
  compatibilityDate,
  isPrivateAllowed,
}: {
  compatibilityDate: string;
  isPrivateAllowed: boolean;
}): V4WorkerOptions {
  const network = {
    ...(isPrivateAllowed ? { allow: ["public", "private"] } : { allow: ["public"], deny: translated }),
    tlsOptions: { trustBrowserCas: true },
  };
  return {
    name: outboundWorker,
    compatibilityDate,
    modules: true,
    script: "export default { fetch: (request, { NETWORK }) => NETWORK.fetch(request) };",
    serviceBindings: { NETWORK: { network } },
  };
}
