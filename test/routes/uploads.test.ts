import { expect, test } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { ReadyUpload, UploadAnswer, UploadWay } from "../../src/protocol/upload.ts";
import {
  announce,
  announced,
  flowing,
  inBucket,
  left,
  newUploader,
  put,
  room,
  sha256Of,
  someBytes,
  uploaded,
} from "../support/uploads.ts";
import { bodyOf, answered, refused } from "./answers.ts";
import { call, newTenant, newToken } from "./edge.ts";

const asBytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const path = (id: string, way = ""): string => `/v1/uploads/${id}${way}`;

test("[F1] a file is announced, put and read: whole up to 90 MB, in parts of 8 MiB above, and earlier if it is asked for", async () => {
  const { token } = await newUploader({ uploadBytes: 200_000_000 });
  const whole = await answered(await announce(token, { size: 90_000_000 }), 201, UploadWay);
  expect(whole).toMatchObject({ put: { url: path(whole.upload, "/content"), method: "PUT" } });
  const large = await answered(await announce(token, { size: 90_000_001 }), 201, UploadWay);
  expect(large).toMatchObject({
    parts: { url: path(large.upload, "/parts/{part}"), method: "PUT", partBytes: 8_388_608, count: 11 },
    complete: { url: path(large.upload, "/complete"), method: "POST" },
  });
  const asked = await answered(await announce(token, { size: 8_388_609, inParts: true }), 201, UploadWay);
  expect(asked).toMatchObject({ parts: { count: 2 } });

  const small = await announced(token, { size: 5, name: "greeting" });
  const open = await answered(await call(path(small), { credential: token }), 200, UploadAnswer);
  expect(open).toMatchObject({ state: "open", room, name: "greeting", size: 5, received: [], way: { upload: small } });
  const stored = await answered(await put(token, `${small}/content`, "hello"), 200, ReadyUpload);
  expect(stored.file).toMatchObject({ id: small, room, user: "ada", name: "greeting", size: 5 });
  expect(await answered(await call(path(small), { credential: token }), 200, ReadyUpload)).toEqual(stored);
  expect(await bodyOf(await call(path(small, "/content"), { credential: token }))).toBe("hello");
});

test("[F1] a file of a byte less than nothing, without a name, or of an odd digest is none", async () => {
  const { token } = await newUploader();
  for (const odd of [
    { size: 0 },
    { size: 10_000_000_001 },
    { size: 1, name: "" },
    { size: 1, sha256: "abc" },
    { size: 1, sha256: "G".repeat(64) },
    { size: 1, type: "text" },
    { size: 1, type: "text/plain; charset=utf-8" },
  ])
    await refused(await announce(token, odd), 400, "invalid_field");
});

test("[F2] another length than was announced is refused before a byte is read", async () => {
  const { tenant, token } = await newUploader();
  const id = await announced(token, { size: 1_000 });
  let read = 0;
  const body = (): ReadableStream<Uint8Array> =>
    new ReadableStream(
      {
        type: "bytes",
        pull(controller) {
          read += 1;
          controller.enqueue(new Uint8Array(500));
        },
      },
      { highWaterMark: 0 },
    );
  for (const [length, status] of [
    ["1001", 413],
    ["999", 400],
    ["0", 400],
  ] as const)
    await refused(await put(token, `${id}/content`, body(), { "Content-Length": length }), status);
  expect(read).toBe(0);
  expect(await inBucket(tenant)).toEqual([]);
});

test("[F2] the first byte too many ends it with 413; too few, none at all and a body that breaks leave nothing either", async () => {
  const { tenant, token } = await newUploader();
  const size = 300_000;
  const id = await announced(token, { size });
  const before = await left(token);
  const bytes = someBytes(size + 1);
  const tries = [
    [flowing(bytes), 413, "too_large"],
    [bytes, 413, "too_large"],
    [flowing(bytes.subarray(0, size - 1)), 400, "bad_request"],
    [flowing(bytes.subarray(0, size / 2), { breaks: true }), 400, "bad_request"],
    [flowing(bytes.subarray(0, size), { breaks: true }), 400, "bad_request"],
    [null, 400, "bad_request"],
  ] as const;
  for (const [content, status, code] of tries) {
    await refused(await put(token, `${id}/content`, content), status, code);
    expect(await inBucket(tenant)).toEqual([]);
    expect(await left(token)).toEqual(before);
  }
  // What is far too long is not read to its end.
  let sent = 0;
  const endless = new ReadableStream({
    type: "bytes",
    pull(controller) {
      sent += 65_536;
      controller.enqueue(new Uint8Array(65_536));
    },
  });
  await refused(await put(token, `${id}/content`, endless), 413, "too_large");
  expect(sent).toBeLessThan(size + 3 * 65_536);
  // And it may be tried again.
  expect((await put(token, `${id}/content`, flowing(bytes.subarray(0, size)))).status).toBe(200);
  const content = await call(path(id, "/content"), { credential: token });
  expect(new Uint8Array(await content.arrayBuffer())).toEqual(bytes.subarray(0, size));
});

test("[F2] what is complete is never changed: put again it is a conflict, at once only one is the file", async () => {
  const { tenant, token } = await newUploader();
  const id = await announced(token, { size: 5 });
  const both = await Promise.all(["first", "other"].map((content) => put(token, `${id}/content`, content)));
  for (const { status } of both) expect([200, 409]).toContain(status);
  const read = async (): Promise<string> => bodyOf(await call(path(id, "/content"), { credential: token }));
  const kept = await read();
  await refused(await put(token, `${id}/content`, "third"), 409, "conflict");
  expect(await read()).toBe(kept);
  expect(await inBucket(tenant)).toEqual([id]);
  expect((await left(token))["upload_stored"]).toBe(50_000_000_000 - 5);
});

test("[F3] bytes of another SHA-256 than was announced are refused and leave nothing, whole and in parts", async () => {
  const { tenant, token } = await newUploader();
  const sha256 = await sha256Of(asBytes("hello"));
  const whole = await announced(token, { size: 5, sha256 });
  await refused(await put(token, `${whole}/content`, "hallo"), 422, "content_rejected");
  expect(await inBucket(tenant)).toEqual([]);
  expect((await put(token, `${whole}/content`, "hello")).status).toBe(200);

  const complete = (id: string): Promise<Response> =>
    call(path(id, "/complete"), { method: "POST", credential: token });
  const wrong = await announced(token, { size: 5, sha256, inParts: true });
  await put(token, `${wrong}/parts/1`, "hallo");
  await refused(await complete(wrong), 422, "content_rejected");
  await refused(await call(path(wrong), { credential: token }), 404, "not_found");
  expect(await inBucket(tenant)).toEqual([whole]);
  const right = await announced(token, { size: 5, sha256, inParts: true });
  await put(token, `${right}/parts/1`, "hello");
  expect((await complete(right)).status).toBe(200);
});

test("[F7] only whoever announced it may put, complete or give it up, and the tenant's server; to others it never was", async () => {
  const { tenant, token } = await newUploader();
  const bo = await newToken(tenant, "bo", { "*": ["read", "upload"] });
  const another = await newUploader();
  const id = await announced(token, { size: 5, inParts: true });
  const never = "neverwasneverwasnever";
  const answer = async (response: Response): Promise<unknown> => {
    const { requestId: _, ...problem } = await response.json<Record<string, unknown>>();
    return { status: response.status, problem };
  };
  for (const stranger of [bo, another.token, another.tenant.key]) {
    for (const [method, way] of [
      ["PUT", "/content"],
      ["PUT", "/parts/1"],
      ["POST", "/complete"],
      ["DELETE", ""],
      ["GET", ""],
      ["GET", "/content"],
    ] as const) {
      const ask = (upload: string): Promise<Response> =>
        method === "PUT"
          ? put(stranger, `${upload}${way}`, "hello")
          : call(path(upload, way), { method, credential: stranger });
      const said = await answer(await ask(id));
      expect([way, said]).toEqual([way, await answer(await ask(never))]);
      expect(said).toMatchObject({ status: 404 });
    }
  }
  // A key that names nobody is the tenant's server; one that names a user is that user.
  const asBo = { credential: tenant.key, user: "bo" };
  await refused(await call(path(id), asBo), 404, "not_found");
  expect((await put(tenant.key, `${id}/parts/1`, "hello")).status).toBe(200);
  const done = await call(path(id, "/complete"), { method: "POST", credential: tenant.key });
  expect((await answered(done, 200, ReadyUpload)).file.user).toBe("ada");
});

test("[F7] who may not upload in its room any more cannot go on, and a ban takes what has come", async () => {
  const { tenant, token } = await newUploader();
  const id = await announced(token, { size: 5 });
  const narrower = await newToken(tenant, "ada", { "*": ["read"], [`${room}x`]: ["upload"] });
  await refused(await put(narrower, `${id}/content`, "hello"), 403, "forbidden");
  const ban = { method: "PUT", credential: tenant.key, body: {} };
  expect((await call(`/v1/rooms/${room}/bans/ada`, ban)).status).toBe(204);
  await refused(await put(token, `${id}/content`, "hello"), 403, "banned");
  expect(await inBucket(tenant)).toEqual([]);
  expect((await left(tenant.key))["upload_day"]).toBe(5_000_000_000);
});

test("[F7] given up, nothing is left and its bytes are given back", async () => {
  const { tenant, token } = await newUploader();
  const before = await left(token);
  for (const inParts of [false, true]) {
    const id = await announced(token, { size: 5, inParts });
    if (inParts) await put(token, `${id}/parts/1`, "hello");
    expect(await left(token)).not.toEqual(before);
    expect((await call(path(id), { method: "DELETE", credential: token })).status).toBe(204);
    expect(await left(token)).toEqual(before);
    await refused(await call(path(id), { method: "DELETE", credential: token }), 404, "not_found");
    await refused(await put(token, `${id}/${inParts ? "parts/1" : "content"}`, "hello"), 404, "not_found");
  }
  expect(await inBucket(tenant)).toEqual([]);
});

test("[F8] parts come in any order and again, one that is missing or of another size is named, and complete again is the same", async () => {
  const { tenant, token } = await newUploader();
  const { uploadPartBytes } = fixedLimits;
  const bytes = someBytes(uploadPartBytes + 3);
  const id = await announced(token, {
    size: bytes.length,
    inParts: true,
    name: "two parts",
    sha256: await sha256Of(bytes),
  });
  const part = (n: number): Uint8Array => bytes.subarray((n - 1) * uploadPartBytes, n * uploadPartBytes);
  const complete = (): Promise<Response> => call(path(id, "/complete"), { method: "POST", credential: token });
  const detail = async (response: Response): Promise<string | undefined> => (await refused(response, 409)).detail;

  await refused(await put(token, `${id}/content`, bytes), 409, "conflict");
  expect(await detail(await complete())).toBe("Parts are missing: 1, 2.");
  expect((await put(token, `${id}/parts/2`, "xyz")).status).toBe(200);
  expect((await put(token, `${id}/parts/2`, part(2))).status).toBe(200);
  expect(await detail(await complete())).toBe("Parts are missing: 1.");
  await refused(await put(token, `${id}/parts/1`, part(1).subarray(1)), 400, "bad_request");
  await refused(await put(token, `${id}/parts/1`, bytes), 413, "too_large");
  await refused(await put(token, `${id}/parts/3`, "x"), 400, "invalid_field");
  await refused(await put(token, `${id}/parts/2`, flowing(part(2), { chunk: 1, breaks: true })), 400, "bad_request");
  expect(await (await call(path(id), { credential: token })).json()).toMatchObject({ state: "open", received: [2] });
  expect(await inBucket(tenant)).toEqual([]);
  expect(await (await put(token, `${id}/parts/1`, part(1))).json()).toEqual({ part: 1, size: uploadPartBytes });

  const done = await answered(await complete(), 200, ReadyUpload);
  expect(done.file).toMatchObject({ name: "two parts", size: bytes.length, user: "ada" });
  expect(await answered(await complete(), 200, ReadyUpload)).toEqual(done);
  await refused(await put(token, `${id}/parts/1`, part(1)), 409, "conflict");
  const content = await call(path(id, "/content"), { credential: token });
  expect(await sha256Of(new Uint8Array(await content.arrayBuffer()))).toBe(await sha256Of(bytes));
});

test("[F7] a foreign tenant's file is never read, and its own file is not another's to complete", async () => {
  const { tenant, token } = await newUploader();
  const file = await uploaded(token, "hello");
  const another = await newTenant();
  await refused(await call(path(file.id, "/content"), { credential: another.key }), 404, "not_found");
  const bo = await newToken(tenant, "bo", { "*": ["read", "upload"] });
  const sending = { method: "POST", credential: token, body: { attachments: [file.id] } };
  expect((await call(`/v1/rooms/${room}/messages`, sending)).status).toBe(201);
  expect(await (await call(path(file.id, "/content"), { credential: bo })).text()).toBe("hello");
  await refused(await call(path(file.id, "/complete"), { method: "POST", credential: bo }), 404, "not_found");
});
