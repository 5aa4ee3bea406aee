import { afterAll, beforeAll, expect, test } from "vitest";
import { Reader } from "../chaos/reader.ts";
import { type LiveTenant, makeTenant, newToken, wholeHistory } from "../chaos/tenant.ts";
import { type Server, startServer } from "../support/process.ts";
import {
  type Ending,
  type Frame,
  opcodes,
  openSocket,
  type OutgoingFrame,
  type RawSocket,
} from "../support/rawSocket.ts";

const megabyte = 1_048_576;
const endMs = 20_000;

let server: Server;
let tenant: LiveTenant;
/** An ordinary member of the room in which all this happens. */
let ada: Reader;
let published = 0;

beforeAll(async () => {
  server = await startServer();
  tenant = await makeTenant(server, "acme");
  ada = new Reader({ tenant, room: "general", token: await newToken(tenant, "ada") });
  await ada.open();
});
afterAll(() => server.remove());

const illegal: [string, OutgoingFrame][] = [
  ["a reserved bit", { opcode: opcodes.text, payload: "{}", rsv: 4 }],
  ["an unknown opcode", { opcode: 3, payload: "{}" }],
  ["a continuation of nothing", { opcode: opcodes.continuation, payload: "{}" }],
];

test.for(illegal)("[W1] %s ends the sender's connection with 1002, and the room goes on", async ([, frame]) => {
  const socket = await join();
  socket.sendFrame(frame);
  expect((await endOf(socket)).code).toBe(1002);
  await goesOn();
});

test("[W1] [W7] a message of 31 MiB is refused to its sender, one of 33 MiB ends its connection with 1009", async () => {
  const socket = await join();
  socket.sendFrame({ opcode: opcodes.text, payload: new Uint8Array(31 * megabyte).fill(97) });
  expect(await errorOf(socket)).toMatchObject({ code: "too_large", status: 413 });
  socket.sendFrame({ opcode: opcodes.text, payload: new Uint8Array(33 * megabyte).fill(97) });
  expect((await endOf(socket)).code).toBe(1009);
  await goesOn();
});

test("[W1] a binary message and one of broken UTF-8 are refused, and nothing of them is stored", async () => {
  const socket = await join();
  socket.sendBinary(new Uint8Array([1, 2, 3]));
  expect(await errorOf(socket)).toMatchObject({ code: "bad_frame" });
  const broken = [0xff, 0xfe, 0xfd, 0xed, 0xa0, 0x80];
  socket.sendFrame({ opcode: opcodes.text, payload: Uint8Array.from(broken) });
  // workerd ends the connection, as RFC 6455 asks, or puts U+FFFD in their place: then it is no JSON.
  expect(await errorOf(socket)).toMatchObject({ code: "bad_frame" });
  const [start, end] = ['{"type":"publish","ref":"1","nonce":"nonce-utf8","text":"', '"}'].map((part) =>
    new TextEncoder().encode(part),
  );
  socket.sendFrame({ opcode: opcodes.text, payload: Uint8Array.from([...(start ?? []), ...broken, ...(end ?? [])]) });
  await socket.next();
  const history = await wholeHistory(tenant, "general");
  for (const { text } of history) expect(text?.isWellFormed()).toBe(true);
  published = history.length;
  socket.resetTcp();
  await goesOn();
});

test("[W1] 10,000 pings, a header without its message and a reset in the midst of a frame harm nobody else", async () => {
  const pinger = await join();
  const stalled = await join();
  const dying = await join();
  // The first bytes of a message of 1 MiB that never comes.
  for (const socket of [stalled, dying])
    socket.sendRaw(Uint8Array.from([0x81, 0xff, 0, 0, 0, 0, 0, 16, 0, 0, 1, 2, 3, 4, 5]));
  dying.resetTcp();
  for (let count = 0; count < 10_000; count++) pinger.sendFrame({ opcode: opcodes.ping, payload: "are you there" });
  await goesOn();
  // Only the newest of many pings has to be answered (RFC 6455, 5.5.3).
  pinger.sendFrame({ opcode: opcodes.ping, payload: "the last" });
  let pong: Frame;
  do pong = await pinger.next(endMs);
  while (pong.opcode !== opcodes.pong || new TextDecoder().decode(pong.payload) !== "the last");
  pinger.resetTcp();
  stalled.resetTcp();
  await goesOn();
});

test("[W6] a flood of bad frames ends with 4429 for its sender alone", async () => {
  const socket = await join();
  for (let count = 0; count < 100; count++) socket.sendText("nonsense");
  expect((await endOf(socket)).code).toBe(4429);
  await goesOn();
});

test("[W1] the one beside them all has lost nothing", async () => {
  expect(ada.closedWith).toBeNull();
  expect(ada.copy.faultsBeside(await wholeHistory(tenant, "general"))).toEqual([]);
});

async function join(): Promise<RawSocket> {
  const subprotocols = ["parley.v1", `bearer.${await newToken(tenant, "eve")}`];
  return openSocket(`${server.url}/v1/rooms/general/socket`, { subprotocols });
}

async function goesOn(): Promise<void> {
  published += 1;
  ada.send({ type: "publish", ref: `${published}`, nonce: `still-here-${published}`, text: "still here" });
  await ada.until(() => ada.acks.has(`${published}`));
}

async function errorOf(socket: RawSocket): Promise<object> {
  for (;;) {
    const frame: { type: string } = JSON.parse(await socket.nextText(endMs));
    if (frame.type === "error") return frame;
  }
}

/** The code with which the server ended it. Answers the close, as a client must. */
async function endOf(socket: RawSocket): Promise<Pick<Ending, "code">> {
  let frame: Frame;
  do frame = await socket.next(endMs);
  while (frame.opcode !== opcodes.close);
  socket.resetTcp();
  return { code: (frame.payload[0] ?? 0) * 256 + (frame.payload[1] ?? 0) };
}
