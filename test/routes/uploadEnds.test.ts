/** An upload that ends while somebody still goes on with it: one of them wins, and nothing is half there. */
import { env } from "cloudflare:workers";
import { runDurableObjectAlarm } from "cloudflare:test";
import { expect, test } from "vitest";
import { roomStub, tenantStub } from "../../src/objects/stubs.ts";
import { announced, heldBack, inBucket, left, newUploader, put, room, uploaded } from "../support/uploads.ts";
import { everything } from "../support/api.ts";
import { query, roomObject } from "../support/room.ts";
import { bodyOf, refused } from "./answers.ts";
import { call, newToken } from "./edge.ts";

const publish = (credential: string, upload: string): Promise<Response> =>
  call(`/v1/rooms/${room}/messages`, { method: "POST", credential, body: { attachments: [upload] } });
const content = (credential: string, upload: string): Promise<Response> =>
  call(`/v1/uploads/${upload}/content`, { credential });
const giveUp = (credential: string, upload: string): Promise<Response> =>
  call(`/v1/uploads/${upload}`, { method: "DELETE", credential });

test("[F10] given up while its bytes come, it is no file: nothing is left, and no message carries it", async () => {
  const { tenant, token } = await newUploader();
  const before = await left(token);
  const id = await announced(token, { size: 5 });
  const { body, go, begun } = heldBack("hello");
  const putting = put(token, `${id}/content`, body);
  await begun;
  expect((await giveUp(token, id)).status).toBe(204);
  go();
  await refused(await putting, 404, "not_found");
  await refused(await publish(token, id), 404, "not_found");
  expect(await inBucket(tenant)).toEqual([]);
  expect(await query(tenant, room, "SELECT id FROM file")).toEqual([]);
  expect(await left(token)).toEqual(before);
});

test("[F10] given up beside whoever puts it, it is complete or it is over, for both", async () => {
  const { token } = await newUploader();
  for (let time = 0; time < 12; time++) {
    const id = await announced(token, { size: 5 });
    const putting = put(token, `${id}/content`, "hello");
    if (time % 4 > 0) await new Promise((resolve) => setTimeout(resolve, time));
    const ended = await giveUp(token, id);
    const stored = await putting;
    expect([`${stored.status} ${ended.status}`, (await content(token, id)).status]).toEqual(
      stored.status === 200 ? ["200 409", 200] : ["404 204", 404],
    );
  }
});

test("[F7] what is complete is not given up: it is a conflict", async () => {
  const { token } = await newUploader();
  const { id } = await uploaded(token, "hello");
  await refused(await giveUp(token, id), 409, "conflict");
  expect((await content(token, id)).status).toBe(200);
});

test("[F2] a second one who puts it, and is refused, takes nothing away of what is complete", async () => {
  const { tenant, token } = await newUploader();
  const bo = await newToken(tenant, "bo", { "*": everything });
  const id = await announced(token, { size: 5 });
  const { body, go, begun } = heldBack("other");
  const putting = put(token, `${id}/content`, body);
  await begun;
  expect((await put(token, `${id}/content`, "hello")).status).toBe(200);
  expect((await publish(token, id)).status).toBe(201);
  const ban = { method: "PUT", credential: tenant.key, body: {} };
  expect((await call(`/v1/rooms/${room}/bans/ada`, ban)).status).toBe(204);
  go();
  await refused(await putting, 404, "not_found");
  expect(await bodyOf(await content(bo, id))).toBe("hello");
});

test("[F2] a room that cannot take it now loses nothing of it: it may be tried again", async () => {
  const { tenant, token } = await newUploader();
  const id = await announced(token, { size: 5 });
  const begun = await roomStub(env, tenant.id, room).beginImport(null);
  if (!begun.ok) throw new Error(begun.error);
  await refused(await put(token, `${id}/content`, "hello"), 503, "overloaded");
  await roomStub(env, tenant.id, room).giveUpImport(begun.import);
  await runDurableObjectAlarm(roomObject(tenant, room));
  expect((await put(token, `${id}/content`, "hello")).status).toBe(200);
  expect(await bodyOf(await content(token, id))).toBe("hello");
});

test("[F10] of a user who is erased while his bytes come, the room learns no name", async () => {
  const { tenant, token } = await newUploader();
  const id = await announced(token, { size: 5, name: "of ada.txt" });
  const { body, go, begun } = heldBack("hello");
  const putting = put(token, `${id}/content`, body);
  await begun;
  await roomObject(tenant, room).erase("ada");
  expect(await tenantStub(env, tenant.id).giveUpUpload(id, room)).toBe("over");
  go();
  await refused(await putting, 404, "not_found");
  expect(await query(tenant, room, "SELECT user, name FROM file")).toEqual([]);
  expect(await inBucket(tenant)).toEqual([]);
});

test("[F9] what is brought in vain in a day is bounded, whatever else is left of the quota", async () => {
  const { tenant, token } = await newUploader({ uploadBytesPerDay: 10 });
  const before = await left(token);
  const id = await announced(token, { size: 5, sha256: "0".repeat(64) });
  for (const bytes of ["hello", "hell"]) await put(token, `${id}/content`, bytes);
  await refused(await put(token, `${id}/content`, "hello"), 422, "content_rejected");
  await refused(await put(token, `${id}/content`, "hello"), 429, "quota_exceeded");
  expect((await giveUp(token, id)).status).toBe(204);
  expect(await left(token)).toEqual(before);
  const another = await announced(token, { size: 5, inParts: true });
  await refused(await put(token, `${another}/parts/1`, "hello"), 429, "quota_exceeded");
  expect(await inBucket(tenant)).toEqual([]);
});
