/** One message as a stream of events. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { ordinary } from "../support/api.ts";
import { refused } from "./answers.ts";
import { call, newToken } from "./edge.ts";
import { heldPlaces, openEvents, type TestStream } from "./events.ts";
import { infoOf, newRooms, nobodyIn, publish, room, ticketOf } from "./inRoom.ts";

const path = `/v1/rooms/${room}/messages`;
const newRoom = (limits = {}) => newRooms([room], limits);

afterEach(() => void vi.useRealTimers());

/** Name, id and data of each event. */
function said(stream: TestStream): [string, string | undefined, unknown][] {
  return stream.events.map(({ name, id, data }) => [name, id, data]);
}

/** Of a message that has ended: all there is of it. */
async function whole(address: string, credential: string | undefined, lastEventId?: string): Promise<TestStream> {
  const headers = lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId };
  const stream = await openEvents(address, { credential, headers });
  await stream.until(() => stream.of("end").length > 0);
  return stream;
}

describe("a message that has ended", () => {
  test("[J12] it is told at once: its text, what it has become, how long it is and where it changed last", async () => {
    const { token } = await newRoom();
    await publish(token, "hello 👋");
    await publish(token, { data: { only: "data" } });
    await call(`${path}/1`, { method: "PATCH", credential: token, body: { text: "hello again" } });
    const { epoch } = await infoOf(token);
    const stream = await whole(`${path}/1/stream`, token);
    expect(said(stream)).toEqual([
      ["snapshot", "1:11", { id: 1, text: "hello again" }],
      ["end", "1:end", { id: 1, status: "sent", length: 11, cursor: `${epoch}:3` }],
    ]);
    expect([stream.retries.length, stream.faults]).toEqual([1, []]);
    await expect.poll(() => stream.ended).toBe("end");
    expect(said(await whole(`${path}/2/stream`, token))).toEqual([
      ["snapshot", "2:0", { id: 2, text: "" }],
      ["end", "2:end", { id: 2, status: "sent", length: 0, cursor: `${epoch}:2` }],
    ]);
  });

  test("[J14] who comes back after its end is answered 204, from anywhere else it is told whole, and another's id is refused", async () => {
    const { token } = await newRoom();
    await publish(token, "hello");
    const comeBack = (id: string): Promise<Response> =>
      call(`${path}/1/stream`, { credential: token, headers: { "Last-Event-ID": id } });
    expect((await comeBack("1:end")).status).toBe(204);
    for (const id of ["1:0", "1:3", "1:5", "1:99"]) {
      const stream = await whole(`${path}/1/stream`, token, id);
      expect(stream.of("snapshot")).toEqual([{ id: 1, text: "hello" }]);
    }
    for (const id of ["2:end", "2:3", "1", "1:-1", "1:03", "1:END", "abcdefgh:1"])
      await refused(await comeBack(id), 400, "invalid_field");
  });

  test("[J14] what is unknown, deleted, expired or hidden from the reader is 404", async () => {
    const { tenant, token } = await newRoom();
    const [eve, bo] = await Promise.all(["eve", "bo"].map((user) => newToken(tenant, user, { "*": ordinary })));
    await publish(token, "deleted");
    await call(`${path}/1`, { method: "DELETE", credential: token });
    await publish(token, { text: "expiring", expiresInMs: 1_000 });
    await call(`/v1/rooms/${room}/bans/eve`, { method: "PUT", credential: tenant.key, body: { shadow: true } });
    await publish(eve ?? "", "hidden");
    vi.useFakeTimers({ now: Date.now() + 1_001, toFake: ["Date"] });
    for (const id of ["1", "3", "9"])
      await refused(await call(`${path}/${id}/stream`, { credential: token }), 404, "not_found");
    await refused(await call(`${path}/4/stream`, { credential: bo }), 404, "not_found");
    for (const credential of [eve, token])
      expect((await whole(`${path}/4/stream`, credential)).of("snapshot")).toEqual([{ id: 4, text: "hidden" }]);
    // Who was told so comes back no more.
    const again = await call(`${path}/1/stream`, { credential: token, headers: { "Last-Event-ID": "1:3" } });
    expect(again.status).toBe(204);
  });

  test("[J15] a ticket of its room opens it once, and its place and its socket are given back", async () => {
    const { token } = await newRoom();
    await publish(token, "hello");
    const before = heldPlaces();
    const { ticket } = await ticketOf(token);
    await whole(`${path}/1/stream?ticket=${ticket}`, undefined);
    await refused(await call(`${path}/1/stream?ticket=${ticket}`), 401, "token_invalid");
    await refused(await call(`${path}/2/stream`, { credential: token }), 404, "not_found");
    await expect.poll(heldPlaces).toBe(before);
    await nobodyIn(token);
  });
});
