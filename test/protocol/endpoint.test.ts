import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EndpointUrl, unfitEndpoint } from "../../src/protocol/endpoint.ts";

/** Whether a tenant may name it where private addresses are not allowed. */
function isTaken(url: string): boolean {
  return EndpointUrl.safeParse(url).success && unfitEndpoint(url, false) === null;
}

type Bytes = readonly [number, number, number, number];

const byte = fc.integer({ min: 0, max: 255 });
const any: fc.Arbitrary<Bytes> = fc.tuple(byte, byte, byte, byte);
const within = (from: Bytes, to: Bytes): fc.Arbitrary<Bytes> =>
  any.map((bytes) => bytes.map((value, place) => between(from[place] ?? 0, to[place] ?? 0, value)) as unknown as Bytes);
const between = (low: number, high: number, value: number): number => low + (value % (high - low + 1));

const privateBytes = fc.oneof(
  within([0, 0, 0, 0], [0, 255, 255, 255]),
  within([10, 0, 0, 0], [10, 255, 255, 255]),
  within([100, 64, 0, 0], [100, 127, 255, 255]),
  within([127, 0, 0, 0], [127, 255, 255, 255]),
  within([169, 254, 0, 0], [169, 254, 255, 255]),
  within([172, 16, 0, 0], [172, 31, 255, 255]),
  within([192, 0, 0, 0], [192, 0, 0, 255]),
  within([192, 168, 0, 0], [192, 168, 255, 255]),
  within([198, 18, 0, 0], [198, 19, 255, 255]),
  within([224, 0, 0, 0], [255, 255, 255, 255]),
  fc.constantFrom<Bytes>([127, 0, 0, 1], [169, 254, 169, 254], [0, 0, 0, 0], [255, 255, 255, 255]),
);
const publicBytes = fc.oneof(
  within([1, 0, 0, 0], [9, 255, 255, 255]),
  within([11, 0, 0, 0], [99, 255, 255, 255]),
  within([100, 0, 0, 0], [100, 63, 255, 255]),
  within([100, 128, 0, 0], [100, 255, 255, 255]),
  within([172, 32, 0, 0], [172, 255, 255, 255]),
  within([192, 1, 0, 0], [192, 1, 255, 255]),
  within([193, 0, 0, 0], [197, 255, 255, 255]),
  within([204, 0, 0, 0], [223, 255, 255, 255]),
);

/** One number of an address as inet_aton reads it: decimal, octal or hexadecimal. */
const radices: readonly ((value: number) => string)[] = [
  String,
  (value) => `0${value.toString(8)}`,
  (value) => `0x${value.toString(16)}`,
  (value) => `0X${value.toString(16).toUpperCase()}`,
  (value) => `0x000${value.toString(16)}`,
];
const radix = fc.constantFrom(...radices);

/** An IPv4 address in one of its many spellings: of 1 to 4 numbers, the last of which is all that is left. */
const spelled = (bytes: fc.Arbitrary<Bytes>): fc.Arbitrary<string> =>
  fc
    .tuple(bytes, fc.integer({ min: 1, max: 4 }), fc.tuple(radix, radix, radix, radix), fc.boolean(), fc.boolean())
    .map(([address, count, write, isDotted, isEscaped]) => {
      const rest = address.slice(count - 1).reduce((sum, part) => sum * 256 + part, 0);
      const numbers = [...address.slice(0, count - 1), rest];
      const text = numbers.map((part, place) => (write[place] ?? String)(part)).join(".") + (isDotted ? "." : "");
      return isEscaped ? text.replaceAll(/\d/g, (digit) => `%3${digit}`) : text;
    });

const group = (value: number): string => value.toString(16);

describe("[A15] addresses that a tenant names", () => {
  test("[A15] a private IPv4 address is refused in every spelling", () => {
    fc.assert(
      fc.property(spelled(privateBytes), (host) => {
        expect({ host, isTaken: isTaken(`https://${host}/jwks`) }).toEqual({ host, isTaken: false });
      }),
      { numRuns: 2_000 },
    );
  });

  test("[A15] a public one is taken in every spelling", () => {
    fc.assert(
      fc.property(spelled(publicBytes), (host) => {
        expect({ host, isTaken: isTaken(`https://${host}:8443/jwks`) }).toEqual({ host, isTaken: true });
      }),
      { numRuns: 1_000 },
    );
  });

  test("[A15] an IPv4 address inside of an IPv6 one is refused, whatever it is", () => {
    fc.assert(
      fc.property(any, ([a, b, c, d]) => {
        const dotted = `${a}.${b}.${c}.${d}`;
        const high = group(a * 256 + b);
        const low = group(c * 256 + d);
        for (const host of [
          `::ffff:${dotted}`,
          `::FFFF:${high}:${low}`,
          `0:0:0:0:0:ffff:${dotted}`,
          `::${dotted}`,
          `64:ff9b::${dotted}`,
          `64:ff9b:1::${high}:${low}`,
          `2002:${high}:${low}::1`,
          `2001:0:${high}:${low}::`,
          `2001::${high}:${low}`,
          `fe80::5efe:${dotted}`,
        ])
          expect({ host, isTaken: isTaken(`https://[${host}]/`) }).toEqual({ host, isTaken: false });
      }),
      { numRuns: 300 },
    );
  });

  test("[A15] of IPv6 only global unicast is taken", () => {
    const word = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), ([first, second, third, last]) => {
        const isPublic =
          first >= 0x2000 &&
          first <= 0x3fff &&
          first !== 0x2002 &&
          !(first === 0x2001 && (second < 0x200 || second === 0xdb8)) &&
          !(first === 0x3fff && second < 0x1000);
        const host = `${group(first)}:${group(second)}:${group(third)}::${group(last)}`;
        expect({ host, isTaken: isTaken(`https://[${host}]/`) }).toEqual({ host, isTaken: isPublic });
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    "localhost",
    "LOCALHOST",
    "localhost.",
    "app.localhost",
    "printer.local",
    "printer.LoCal.",
    "metadata.google.internal",
    "metadata.google.internal.",
    "intranet",
    "wiki.corp",
    "router.lan",
    "nas.home.arpa",
    "machine.localdomain",
    "example.com.",
    "a..com",
    "xn--lcalhost-c4a",
    "%6c%6f%63%61%6c%68%6f%73%74",
    "[::1]",
    "[::]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[fc00::1]",
    "[fd12:3456:789a::1]",
    "[fe80::1]",
    "[febf::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[2001:0db8:0:0::1]",
    "[3fff::1]",
    "192.0.2.1",
    "198.51.100.7",
    "203.0.113.9",
    "192.88.99.1",
    "1.2.3.4.5",
    "256.1.1.1",
    "0x7f000001",
    "017700000001",
    "2130706433",
    "127.1",
    "",
  ])("[A15] the host %j is refused", (host) => {
    expect(isTaken(`https://${host}/jwks`)).toBe(false);
  });

  test.each([
    "https://idp.example.com/.well-known/jwks.json",
    "https://idp.example.com",
    "https://idp.example.com:8443/a/b?tenant=1&x=%20",
    "https://EXAMPLE.com/",
    "https://xn--bcher-kva.example/",
    "https://localhost.example.com/",
    "https://internal.example/",
    "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]/",
    "https://[2001:4860:4860::8888]:444/",
    "https://idp.example.com/@user",
    "https://idp.example.com/?to=a@b",
  ])("[A15] %s is taken", (url) => {
    expect(isTaken(url)).toBe(true);
  });

  test.each([
    ["a user", "https://user@idp.example.com/"],
    ["a user and a password", "https://user:secret@idp.example.com/"],
    ["an empty user", "https://@idp.example.com/"],
    ["a host that only seems to be one", "https://idp.example.com\\@127.0.0.1/"],
    ["a fragment", "https://idp.example.com/#keys"],
    ["an empty fragment", "https://idp.example.com/#"],
    ["a line break", "https://idp.exam\nple.com/"],
    ["a tab", "https://idp.example.com/\tx"],
    ["a space", " https://idp.example.com/"],
    ["digits that are none of ASCII", "https://①②⑦.⓪.⓪.①/"],
    ["a dot that is none of ASCII", "https://127。0。0。1/"],
    ["no host", "https:///jwks"],
    ["no slashes", "https:idp.example.com"],
    ["http", "http://idp.example.com/"],
    ["another scheme", "ftp://idp.example.com/"],
    ["a file", "file:///etc/passwd"],
    ["data", "data:application/json,{}"],
    ["a scheme in capitals", "HTTPS://idp.example.com/"],
    ["a port that is none", "https://idp.example.com:99999/"],
    ["nothing", ""],
  ])("[A15] an address with %s is refused", (_, url) => {
    expect(isTaken(url)).toBe(false);
  });

  test("[A15] the port of another service is refused", () => {
    for (const port of [
      1, 22, 23, 25, 53, 80, 110, 389, 445, 465, 587, 993, 2375, 3306, 5432, 6379, 9200, 11_211, 27_017,
    ])
      expect({ port, isTaken: isTaken(`https://hooks.example.com:${port}/`) }).toEqual({ port, isTaken: false });
    for (const port of [443, 444, 3000, 4443, 8080, 8443, 9443, 65_535])
      expect({ port, isTaken: isTaken(`https://hooks.example.com:${port}/`) }).toEqual({ port, isTaken: true });
  });

  test("[A15] an address may have 2,048 characters and not one more", () => {
    const url = (length: number): string => "https://idp.example.com/".padEnd(length, "x");
    expect([isTaken(url(2_048)), isTaken(url(2_049))]).toEqual([true, false]);
  });

  test("[A15] where private addresses are allowed, http and hosts of the own network are taken, and nothing else more", () => {
    const isAllowed = (url: string): boolean => EndpointUrl.safeParse(url).success && unfitEndpoint(url, true) === null;
    for (const url of ["http://127.0.0.1:9000/jwks", "http://keycloak:8080/", "https://[::1]/", "http://idp.internal/"])
      expect({ url, isAllowed: isAllowed(url) }).toEqual({ url, isAllowed: true });
    for (const url of ["http://user:secret@127.0.0.1/", "http://127.0.0.1/#x", "file:///etc/passwd", "http://"])
      expect({ url, isAllowed: isAllowed(url) }).toEqual({ url, isAllowed: false });
  });
});
