import { afterEach, beforeEach, expect, test } from "vitest";
import type { Message } from "../../src/protocol/message.ts";
import { call, newTenant, newToken } from "../support/api.ts";
import { pass, startClock, stopClock } from "../support/clock.ts";
import { connect } from "../support/socket.ts";

beforeEach(() => stopClock());
afterEach(() => startClock());

const tenMinutesMs = 600_000;

test("[P1] a server's clock that jumps ten minutes forth and back changes no order, refuses nobody, and a client's own is not asked", async () => {
  const tenant = await newTenant();
  const socket = await connect("general", { token: await newToken(tenant, "ada") });
  const times: number[] = [];
  const publish = async (ref: string): Promise<void> => {
    times.push(Date.now());
    // What a client says of the time is no field of the protocol.
    socket.send({ type: "publish", ref, nonce: `nonce-${times.length}-of-clock`, text: ref });
    expect(await socket.answer(ref)).toMatchObject({ type: "ack", id: times.length, seq: times.length });
  };
  await publish("now");
  pass(tenMinutesMs);
  await publish("later");
  pass(-2 * tenMinutesMs);
  for (let count = 0; count < 10; count++) await publish(`earlier-${count}`);
  pass(tenMinutesMs);
  await publish("now again");
  const answer = await call("/v1/rooms/general/messages?limit=50", { credential: tenant.key });
  const { messages } = await answer.json<{ messages: Message[] }>();
  expect(messages.map(({ id, createdAt }) => [id, createdAt])).toEqual(times.map((atMs, index) => [index + 1, atMs]));
  expect(socket.of("changes").flatMap(({ changes }) => changes.map((change) => change.type))).toEqual(
    times.map(() => "message"),
  );
  expect(socket.closed).toBeNull();
  socket.close();
});
