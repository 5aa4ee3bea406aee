import { expect, test } from "vitest";
import { ConnectionLine } from "../../src/protocol/logLine.ts";
import type { ServerFrame } from "../../src/protocol/serverFrames.ts";
import { Copy } from "../chaos/copy.ts";
import { Reader } from "../chaos/reader.ts";
import { makeTenant, newToken, wholeHistory } from "../chaos/tenant.ts";
import { startServer } from "../support/process.ts";
import { opcodes, openSocket, type RawSocket } from "../support/rawSocket.ts";

const fastReaders = 20;
const slowReaders = 10;
const messages = 1_280;
const inFlight = 32;
// 20 MB in all.
const text = "0123456789abcdef".repeat(1_000);
/** Without the cut it is 20 MB for each slow reader, 200 in all; the 20 MB that are stored, and what is on its way, take their share. */
const growthMegabytesMax = 140;

test("[O5] [R2] [B2] readers that stop reading are cut with 4408 and come back whole; memory stays and the others miss nothing", async () => {
  const server = await startServer();
  try {
    const tenant = await makeTenant(server, "acme");
    const join = async (user: string): Promise<Reader> => {
      const reader = new Reader({ tenant, room: "general", token: await newToken(tenant, user) });
      await reader.open();
      return reader;
    };
    const ada = await join("ada");
    const fast = [
      ada,
      ...(await Promise.all(Array.from({ length: fastReaders - 1 }, (_, index) => join(`fast-${index}`)))),
    ];
    const slowToken = await newToken(tenant, "slow");
    const slow = await Promise.all(
      Array.from({ length: slowReaders }, () =>
        openSocket(`${server.url}/v1/rooms/general/socket`, { subprotocols: ["parley.v1", `bearer.${slowToken}`] }),
      ),
    );
    await publishAll(ada, 0, 64);
    const stopped = slow.map((socket) => ({ socket, copy: new Copy() }));
    for (const { socket, copy } of stopped) await readInto(copy, socket, () => copy.seq === 64);
    for (const { socket } of stopped) socket.pause();
    const megabytesBefore = server.runtimeMegabytes;
    await publishAll(ada, 64, messages);
    for (const reader of fast) await reader.until(() => reader.copy.seq === messages, 30_000);
    const growthMegabytes = server.runtimeMegabytes - megabytesBefore;

    const history = await wholeHistory(tenant, "general");
    expect(history).toHaveLength(messages);
    for (const { copy, closedWith } of fast) {
      expect({ closedWith, gaps: copy.gaps, faults: copy.faultsBeside(history) }).toEqual({
        closedWith: null,
        gaps: [],
        faults: [],
      });
    }

    for (const { socket, copy } of stopped) {
      socket.resume();
      expect(await readInto(copy, socket, () => false)).toBe(4408);
      socket.resetTcp();
      expect(copy.seq).toBeLessThan(messages);
      const back = new Reader({ tenant, room: "general", token: slowToken, copy });
      await back.open();
      expect(copy.seq).toBe(messages);
      expect(copy.faultsBeside(history)).toEqual([]);
      // So far behind it starts over, and was told so.
      if (copy.start > 1) expect(copy.gaps).toEqual(["too_far"]);
      back.close();
    }
    const isCut = (line: string): boolean => line.includes('"close":4408');
    await expect.poll(() => server.journal.filter(isCut), { timeout: 60_000 }).toHaveLength(slowReaders);
    for (const line of server.journal.filter(isCut))
      expect(ConnectionLine.parse(JSON.parse(line))).toMatchObject({ by: "server", refusal: "slow_consumer" });
    expect(growthMegabytes).toBeLessThan(growthMegabytesMax);
  } finally {
    await server.remove();
  }
});

/** Publishes the messages from one to before another, a few at a time, and waits for the last ack. */
async function publishAll(reader: Reader, from: number, to: number): Promise<void> {
  for (let count = from; count < to; count++) {
    reader.send({
      type: "publish",
      ref: `${count}`,
      nonce: `long-nonce-${count}`,
      text: `${count} ${text}`.slice(0, 16_000),
    });
    await reader.until(() => reader.acks.size > count - inFlight, 20_000);
  }
  await reader.until(() => reader.acks.size === to, 20_000);
}

/** Reads until it is enough or the server closes; gives the code of its close, or null where none comes. */
async function readInto(copy: Copy, socket: RawSocket, enough: () => boolean): Promise<number | null> {
  const decoder = new TextDecoder();
  while (!enough()) {
    const frame = await socket.next(20_000).catch(() => null);
    if (frame === null) return null;
    const { opcode, payload } = frame;
    if (opcode === opcodes.close) return (payload[0] ?? 0) * 256 + (payload[1] ?? 0);
    if (opcode !== opcodes.text) continue;
    const parsed: ServerFrame | ServerFrame[] = JSON.parse(decoder.decode(payload));
    for (const each of Array.isArray(parsed) ? parsed : [parsed]) copy.take(each);
  }
  return null;
}
