import { parse } from "content-disposition";
import { expect, test } from "vitest";
import { ReadyUpload } from "../../src/protocol/upload.ts";
import { announce, announced, inBucket, newUploader, put, someBytes, uploaded } from "../support/uploads.ts";
import { answered, refused } from "./answers.ts";
import { call } from "./edge.ts";

const bytesOf = (...parts: readonly (string | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "string" ? [...part].map(unitOf) : [...part])));
const unitOf = (letter: string): number => letter.charCodeAt(0);
const read = (token: string, id: string, headers = {}, method = "GET"): Promise<Response> =>
  call(`/v1/uploads/${id}/content`, { credential: token, headers, method });

const png = bytesOf(
  [0x89],
  "PNG\r\n\u001a\n",
  [0, 0, 0, 13],
  "IHDR",
  [0, 0, 0, 7, 0, 0, 0, 5, 8, 2, 0, 0, 0],
  [0, 0, 0, 0, 0, 0, 0, 0],
  "IDAT",
  [0, 0, 0, 0],
);
const gif = bytesOf("GIF89a", [3, 0, 2, 0, 0, 0, 0, 0x3b]);
/** A picture to one reader and a program to another. */
const polyglot = bytesOf("GIF89a/*", [0, 0], "*/=alert(1)//;");
const mp4 = bytesOf([0, 0, 0, 24], "ftypisom", [0, 0, 2, 0], "isomiso2");
const svg = bytesOf('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');

test("[F4] a file is what its first bytes are, whatever it is called: only pictures, sound, films and PDF are shown", async () => {
  const { token } = await newUploader();
  const kinds: readonly (readonly [string, Uint8Array, string, object])[] = [
    ["picture.html", png, "image/png", { width: 7, height: 5 }],
    ["picture.png", gif, "image/gif", { width: 3, height: 2 }],
    ["both.js", polyglot, "image/gif", {}],
    ["film.txt", mp4, "video/mp4", {}],
    [
      "sound.exe",
      bytesOf(
        "ID3",
        [3, 0, 0, 0, 0, 0, 0],
        [0xff, 0xfb, 0x90, 0x64],
        Array.from({ length: 420 }, () => 0),
      ),
      "audio/mpeg",
      {},
    ],
    ["paper.png", bytesOf("%PDF-1.7\n%"), "application/pdf", {}],
    ["page.png", bytesOf("<!doctype html><script>alert(1)</script>"), "application/octet-stream", {}],
    ["drawing.png", svg, "application/octet-stream", {}],
    [
      "drawing.svg",
      bytesOf(
        '<?xml version="1.0"?>\n',
        [...svg].map((byte) => byte),
      ),
      "application/octet-stream",
      {},
    ],
    ["program.gif", bytesOf("alert(1)"), "application/octet-stream", {}],
    [
      "archive.png",
      bytesOf(
        "PK\u0003\u0004",
        Array.from({ length: 40 }, () => 0),
      ),
      "application/octet-stream",
      {},
    ],
    ["cut.gif", gif.subarray(0, 6), "image/gif", {}],
    ["cut.png", png.subarray(0, 12), "application/octet-stream", {}],
    ["one byte", bytesOf("x"), "application/octet-stream", {}],
  ];
  for (const [name, content, type, extent] of kinds) {
    const file = await uploaded(token, content, name);
    expect(file).toMatchObject({ name, type });
    expect({ width: file.width, height: file.height }).toEqual(extent);
    const response = await read(token, file.id);
    expect([name, response.headers.get("content-type")]).toEqual([name, type]);
    const way = parse(response.headers.get("content-disposition") ?? "").type;
    expect([name, way]).toEqual([name, type === "application/octet-stream" ? "attachment" : "inline"]);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-security-policy")).toMatch(/^sandbox; default-src 'none'/);
    expect(response.headers.get("cross-origin-resource-policy")).toBe("same-origin");
    expect(response.headers.get("cache-control")).toBe("private, no-cache");
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(content);
  }
});

test("[F4] a photograph that lies on its side has the width and height that it is shown with, also in parts", async () => {
  const { token } = await newUploader();
  // EXIF with the orientation 6, then a frame of 4 by 3.
  const exif = bytesOf(
    "Exif",
    [0, 0],
    "MM",
    [0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0],
  );
  const jpeg = bytesOf(
    [0xff, 0xd8, 0xff, 0xe1, 0, exif.length + 2],
    [...exif],
    [0xff, 0xc0, 0, 17, 8, 0, 3, 0, 4, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1, 0xff, 0xd9],
  );
  const id = await announced(token, { size: jpeg.length, inParts: true });
  await put(token, `${id}/parts/1`, jpeg);
  const done = await call(`/v1/uploads/${id}/complete`, { method: "POST", credential: token });
  expect((await answered(done, 200, ReadyUpload)).file).toMatchObject({ type: "image/jpeg", width: 3, height: 4 });
});

test("[F5] a name is kept as it was said, is no part of a key, and is sent escaped", async () => {
  const { tenant, token } = await newUploader();
  const names = [
    "../../etc/passwd",
    "..\\..\\x",
    "%2e%2e/%2e%2e",
    "t/another/file",
    'quo"te.txt',
    "a;filename=b.txt",
    "Übung – 日本語 🙂.pdf",
    "n".repeat(255),
    "-",
    ".",
    "__proto__",
  ];
  const ids: string[] = [];
  for (const name of names) {
    const file = await uploaded(token, "x", name);
    ids.push(file.id);
    expect(file.name).toBe(name);
    const said = (await read(token, file.id)).headers.get("content-disposition") ?? "";
    expect(said).toMatch(/^[\x20-\x7e]+$/);
    expect(parse(said)).toMatchObject({ type: "attachment", parameters: { filename: name } });
  }
  expect(await inBucket(tenant)).toEqual(ids.sort());
});

test("[F5] what would not be seen in a name, or turn it around, is refused; so is what is too long", async () => {
  const { token } = await newUploader();
  for (const name of [
    "",
    "n".repeat(256),
    "a\u0000b",
    "a\r\nSet-Cookie: b",
    "a\tb",
    "photo\u202egpj.exe",
    "a\u2066b",
    "a\u200fb",
    "a\u2028b",
    "a\ud800b",
    "a\u0085b",
  ])
    await refused(await announce(token, { size: 1, name }), 400, "invalid_field");
});

test("[F6] a part of a file is read by its range; several, or another state of it, are answered whole", async () => {
  const { token } = await newUploader();
  const content = someBytes(1_000);
  const { id } = await uploaded(token, content);
  const etag = (await read(token, id, {}, "HEAD")).headers.get("etag") ?? "";
  expect(etag).toMatch(/^"[0-9a-f-]+"$/);
  const parts: readonly (readonly [string, number, number])[] = [
    ["bytes=0-0", 0, 0],
    ["bytes=10-19", 10, 19],
    ["bytes=990-", 990, 999],
    ["bytes=990-5000", 990, 999],
    ["bytes=-10", 990, 999],
    ["bytes=-5000", 0, 999],
    ["Bytes=0-1", 0, 1],
  ];
  for (const [Range, from, to] of parts) {
    const response = await read(token, id, { Range, ...(from === 10 ? { "If-Range": etag } : {}) });
    expect([Range, response.status]).toEqual([Range, 206]);
    expect(response.headers.get("content-range")).toBe(`bytes ${from}-${to}/1000`);
    expect(response.headers.get("etag")).toBe(etag);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(content.subarray(from, to + 1));
  }
  for (const headers of [
    { Range: "bytes=0-1,4-5" },
    { Range: "bytes=5-2" },
    { Range: "bytes=-" },
    { Range: "bytes=x-1" },
    { Range: "lines=0-1" },
    { Range: "bytes=0-1", "If-Range": '"another"' },
    { Range: "bytes=0-1", "If-Range": `W/${etag}` },
    { Range: "bytes=0-1", "If-Range": new Date().toUTCString() },
  ]) {
    const response = await read(token, id, headers);
    expect([headers, response.status]).toEqual([headers, 200]);
    expect((await response.arrayBuffer()).byteLength).toBe(1_000);
  }
  for (const Range of ["bytes=1000-", "bytes=5000-6000", "bytes=-0"]) {
    const response = await read(token, id, { Range });
    expect(response.headers.get("content-range")).toBe("bytes */1000");
    await refused(response, 416, "range_not_satisfiable");
  }
});

test("[F6] whoever has a file asks whether it is still his to read, and is not sent it again; HEAD answers the headers", async () => {
  const { tenant, token } = await newUploader();
  const { id } = await uploaded(token, "hello");
  const head = await read(token, id, { Range: "bytes=0-1" }, "HEAD");
  expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "5", ""]);
  expect(head.headers.get("accept-ranges")).toBe("bytes");
  const etag = head.headers.get("etag") ?? "";
  for (const known of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
    const response = await read(token, id, { "If-None-Match": known, Range: "bytes=0-1" });
    expect([known, response.status, await response.text()]).toEqual([known, 304, ""]);
    expect(response.headers.get("etag")).toBe(etag);
  }
  expect((await read(token, id, { "If-None-Match": '"another"' })).status).toBe(200);
  await call(`/v1/rooms/general/bans/ada`, { method: "PUT", credential: tenant.key, body: {} });
  await refused(await read(token, id, { "If-None-Match": etag }), 404, "not_found");
  expect((await call(`/v1/uploads/${id}`, { method: "HEAD", credential: token })).status).toBe(405);
});
