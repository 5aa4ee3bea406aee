import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { PresenceAnswer, ReadPosition, UnreadAnswer } from "../../src/protocol/http.ts";
import { asAsked } from "../support/failing.ts";
import { everything } from "../support/api.ts";
import { evict, query } from "../support/room.ts";
import { answered, refused } from "./answers.ts";
import { call, connect, newToken } from "./edge.ts";
import { make, newRooms, publish, room, unmake } from "./inRoom.ts";

const path = `/v1/rooms/${room}`;

describe("who is here", () => {
  const here = async (credential: string, search = ""): Promise<z.infer<typeof PresenceAnswer>> =>
    answered(await call(`${path}/presence${search}`, { credential }), 200, PresenceAnswer);

  test("[L1] nobody, then each user once, with what they said and their connections, by id and by pages", async () => {
    const { tenant, token } = await newRooms([room]);
    expect(await here(token)).toEqual({ version: 0, count: 0, items: [] });
    const users = ["di", "bo", "cy", "ed", "al"];
    const sockets = await Promise.all(
      users.map(async (user) => connect(room, { token: await newToken(tenant, user, { "*": everything }) })),
    );
    const second = await connect(room, { token: await newToken(tenant, "bo", { "*": everything }) });
    sockets[0]?.send({ type: "presence.set", ref: "1", state: { mood: "glad" } });
    await sockets[0]?.answer("1");
    await expect.poll(async () => (await here(token)).version).toBeGreaterThan(0);
    const all = await here(token);
    expect(all.count).toBe(5);
    expect(all.next).toBeUndefined();
    expect(all.items).toEqual(
      users.toSorted().map((user) => ({
        user,
        name: user.toUpperCase(),
        state: user === "di" ? { mood: "glad" } : {},
        connections: user === "bo" ? 2 : 1,
      })),
    );
    const pages: string[][] = [];
    for (let after: string | undefined = ""; after !== undefined;) {
      const page: z.infer<typeof PresenceAnswer> = await here(
        token,
        `?limit=2${after === "" ? "" : `&after=${after}`}`,
      );
      expect(page.count).toBe(5);
      pages.push(page.items.map(({ user }) => user));
      after = page.next;
    }
    expect(pages).toEqual([["al", "bo"], ["cy", "di"], ["ed"]]);
    expect(await here(token, "?after=zz")).toMatchObject({ items: [], count: 5 });
    for (const socket of [...sockets, second]) socket.close();
  });

  test("[L5] asking does not make one present; without `presence` it is 403", async () => {
    const { tenant, token } = await newRooms([room]);
    for (const credential of [token, tenant.key]) expect((await here(credential)).items).toEqual([]);
    const eve = await newToken(tenant, "eve", { "*": everything.filter((one) => one !== "presence") });
    await refused(await call(`${path}/presence`, { credential: eve }), 403, "forbidden");
    // To be seen one needs no more than to be seen.
    const only = await newToken(tenant, "fay", { "*": ["presence"] });
    expect((await here(only)).count).toBe(0);
  });
});

describe("what is unread", () => {
  const unread = async (credential: string, rooms: string, user?: string): Promise<unknown> => {
    const options = { credential, ...(user === undefined ? {} : { user }) };
    const answer = await call(`/v1/unread?rooms=${rooms}`, options);
    return (await answered(answer, 200, UnreadAnswer)).rooms;
  };

  test("[L7] it counts the messages of others after the read position, to 100, in each room", async () => {
    const { tenant, token } = await newRooms([room]);
    const bo = await newToken(tenant, "bo", { "*": everything });
    for (const name of ["other", "full", "empty"]) await make(token, name);
    for (let count = 0; count < 3; count++) await publish(bo, "x", room);
    for (let count = 0; count < 2; count++) await publish(token, "x", room);
    for (let count = 0; count < 1; count++) await publish(bo, "x", "other");
    for (let count = 0; count < 101; count++) await publish(bo, "x", "full");
    const rooms = `${room},other,full,empty`;
    expect(await unread(token, rooms)).toEqual({
      [room]: { unread: 3, mentions: 0, upTo: 0 },
      other: { unread: 1, mentions: 0, upTo: 0 },
      full: { unread: 100, mentions: 0, upTo: 0 },
      empty: { unread: 0, mentions: 0, upTo: 0 },
    });
    expect(await unread(tenant.key, room, "ada")).toEqual({ [room]: { unread: 3, mentions: 0, upTo: 0 } });
    await call(`${path}/read`, { method: "PUT", credential: token, body: { upTo: 2 } });
    await call("/v1/rooms/full/read", { method: "PUT", credential: token, body: { upTo: 2 } });
    await call(`${path}/messages/3`, { method: "DELETE", credential: bo });
    expect(await unread(token, `full,${room}`)).toEqual({
      full: { unread: 99, mentions: 0, upTo: 2 },
      [room]: { unread: 0, mentions: 0, upTo: 2 },
    });
    expect(await unread(bo, room)).toEqual({ [room]: { unread: 2, mentions: 0, upTo: 0 } });
    const read = await call(`${path}/read`, { credential: bo });
    expect((await answered(read, 200, z.object({ items: z.array(ReadPosition) }))).items).toEqual([
      { user: "ada", upTo: 2 },
    ]);
  });

  test("[L7] a room that cannot be read says why, and the others are counted", async () => {
    const { tenant, token } = await newRooms([room]);
    for (const name of ["gone", "blind"]) await make(token, name);
    await unmake(token, "gone");
    const eve = await newToken(tenant, "eve", {
      [room]: ["read"],
      gone: ["read"],
      "never:was": ["read"],
      blind: ["publish"],
    });
    await publish(token);
    expect(await unread(eve, `blind,gone,never:was,secret,${room}`)).toEqual({
      blind: { code: "forbidden", status: 403, detail: expect.any(String) },
      gone: { code: "room_deleted", status: 410, detail: expect.any(String) },
      "never:was": { code: "not_found", status: 404, detail: expect.any(String) },
      secret: { code: "forbidden", status: 403, detail: expect.any(String) },
      [room]: { unread: 1, mentions: 0, upTo: 0 },
    });
    // A server that names no user has read nothing and missed nothing.
    expect(await unread(tenant.key, room)).toMatchObject({ [room]: { code: "forbidden", status: 403 } });
  });

  test("[L7] a room that is broken says so, and the others are counted", async () => {
    const { tenant, token } = await newRooms([room]);
    await make(token, "broken");
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    await query(tenant, "broken", `UPDATE room SET policy = '${asAsked}'`);
    await evict(tenant, "broken");
    expect(await unread(token, `broken,${room}`)).toMatchObject({
      broken: { code: "internal", status: 500 },
      [room]: { unread: 0, mentions: 0, upTo: 0 },
    });
    vi.restoreAllMocks();
  });

  test("[W7] 100 rooms may be asked for, 101 may not, nor one twice", async () => {
    const { token } = await newRooms([room]);
    const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `room-${index}`);
    const found = await unread(token, names(100).join(","));
    expect(Object.keys(found as object)).toEqual(names(100));
    for (const rooms of [names(101).join(","), `${room},${room}`, "", ","])
      await refused(await call(`/v1/unread?rooms=${rooms}`, { credential: token }), 400, "invalid_field");
  });
});
