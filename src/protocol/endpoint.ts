/** The address of something outside that a tenant names: where its identity provider has its keys, where a hook goes. */
import * as z from "zod";
import { fixedLimits } from "./limits.ts";

/** WHATWG's, as in every host this runs on; the layer's types know no platform. */
declare const URL: {
  new (text: string): { readonly protocol: string; readonly hostname: string; readonly port: string };
  canParse(text: string): boolean;
};

/**
 * What an address may look like: http or https in visible ASCII, without a user, a password or a fragment. It says nothing of
 * where it leads: ask `unfitEndpoint` too, which needs to know whether this deployment lets tenants name private addresses.
 */
export const EndpointUrl = z
  .string()
  .max(fixedLimits.endpointUrlLength)
  // No backslash, which a browser's parser takes for a slash, and nothing that it would strip.
  .regex(/^https?:\/\/[!-[\]-~]+$/, "an address that begins with https://")
  .refine((url) => URL.canParse(url), "not a URL")
  .refine((url) => !authorityOf(url).includes("@"), "may hold no user and no password")
  .refine((url) => !url.includes("#"), "may have no fragment");
export type EndpointUrl = z.infer<typeof EndpointUrl>;

/**
 * Why a parsed `EndpointUrl` may not be called, or null. Where private addresses are not allowed it must be https to a host that
 * is public by what stands there: which address a name resolves to is known only when it is called, and held to the same by
 * Cloudflare's network, and on one machine by workerd's (standalone/host.ts).
 */
export function unfitEndpoint(url: EndpointUrl, isPrivateAllowed: boolean): string | null {
  if (isPrivateAllowed) return null;
  // The parser has one spelling for each address: 0x7f.1, 2130706433 and 127.0.0.1 are the same host.
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== "https:") return "must begin with https://";
  if (port !== "" && isServicePort(port)) return "must not lead to the port of another service";
  return isPublicHost(hostname) ? null : "must lead to a public host";
}

function authorityOf(url: string): string {
  return /^https?:\/\/([^/?#]*)/.exec(url)?.[1] ?? "";
}

function isPublicHost(host: string): boolean {
  if (host.startsWith("[")) return isPublicIpv6(host.slice(1, -1));
  const ipv4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host);
  return ipv4 === null ? isPublicName(host) : isPublicIpv4(ipv4.slice(1).map(Number));
}

/** Where mail, shells, databases, queues and clusters listen, and what browsers call bad ports: what is said there is no HTTP, or should not be. */
const servicePorts: ReadonlySet<string> = new Set(
  [
    "445 465 513 514 515 548 554 556 563 587 601 631 636 853 873 989 990 992 993 995",
    "1433 1434 1521 1719 1720 1723 1883 2049 2181 2375 2376 2379 2380 3128 3306 3389 3659",
    "4045 4190 4369 5060 5061 5432 5671 5672 5900 5984 6000 6379 6380 6443",
    "6566 6665 6666 6667 6668 6669 6679 6697 8086 8500 8883 9042 9092 9100 9200 9300 10080 10250 11211 15672 27017",
  ].flatMap((ports) => ports.split(" ")),
);

function isServicePort(port: string): boolean {
  return Number(port) < 443 || servicePorts.has(port);
}

/** Names that are given out by no registry: of this machine, of its network, and (RFC 6762, appendix G) what networks call themselves. */
const privateDomains = /\.(localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa|onion)$/;

/** A name of one label is looked up in the machine's own network, and a dot at the end would hide a name from the list. */
function isPublicName(host: string): boolean {
  return /^[^.]+(\.[^.]+)+$/.test(host) && !privateDomains.test(host);
}

/** Private, shared, loopback, link-local, for protocols, documentation and benchmarks, multicast and reserved (IANA's special-purpose registry). */
const privateIpv4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
].map((block) => {
  const [base = "", bits = ""] = block.split("/");
  return { base: numberOf(base.split(".").map(Number)), size: 2 ** (32 - Number(bits)) };
});

function isPublicIpv4(bytes: readonly number[]): boolean {
  const address = numberOf(bytes);
  return !privateIpv4.some(({ base, size }) => address >= base && address < base + size);
}

function numberOf(bytes: readonly number[]): number {
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

/**
 * Only what is global unicast, 2000::/3: so mapped (::ffff:0:0/96) and translated (64:ff9b::/96) IPv4, unique local and
 * link-local addresses are none. Of that not 2001::/23 (protocols, with Teredo), 2001:db8::/32 and 3fff::/20 (documentation)
 * and 2002::/16 (6to4), which can hold a private IPv4 address.
 */
function isPublicIpv6(address: string): boolean {
  const [first = 0, second = 0] = (address.split("::")[0] ?? "")
    .split(":")
    .map((group) => Number.parseInt(group || "0", 16));
  if (first < 0x2000 || first > 0x3fff || first === 0x2002) return false;
  if (first === 0x2001) return second >= 0x0200 && second !== 0x0db8;
  return !(first === 0x3fff && second < 0x1000);
}
