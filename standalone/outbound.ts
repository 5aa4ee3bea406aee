/** The way out of the Worker on one machine: what it may call. */
import type { V4WorkerOptions } from "miniflare";

const outboundName = "outbound";

/** IPv6 that stands for an IPv4 address, which the runtime would not see: NAT64, 6to4, Teredo. */
const translated = ["64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"];

/**
 * The Worker and the one through which its every `fetch` goes, because Miniflare's own network has no rules and its option for
 * another takes none but a worker. The runtime holds the addresses to which a name resolves against `allow` and `deny`, at each
 * connection: a name that is public today and leads to 127.0.0.1 tomorrow is refused then.
 */
export function withOutbound(worker: V4WorkerOptions, isPrivateAllowed: boolean): V4WorkerOptions[] {
  const network = {
    ...(isPrivateAllowed ? { allow: ["public", "private"] } : { allow: ["public"], deny: translated }),
    tlsOptions: { trustBrowserCas: true },
  };
  const outbound: V4WorkerOptions = {
    name: outboundName,
    ...(worker.compatibilityDate === undefined ? {} : { compatibilityDate: worker.compatibilityDate }),
    modules: true,
    script: "export default { fetch: (request, { NETWORK }) => NETWORK.fetch(request) };",
    serviceBindings: { NETWORK: { network } },
  };
  return [{ ...worker, outboundService: outboundName }, outbound];
}
