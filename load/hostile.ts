/** What a frame costs that is made to hurt, beside an ordinary one of as many bytes: CPU of the server for each of 450 on ten sockets. */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { WebSocket } from "ws";
import { cpuUs } from "../bench/cpu.ts";
import { median } from "../bench/percentile.ts";
import { bytes, newSocket } from "../bench/socket.ts";
import { figure, table } from "../bench/table.ts";
import { House } from "./house.ts";

let sent = 0;
/** The most that a frame may have. */
const frameBytes = 65_536;
const sockets = 10;
/** Fifty that are refused close a socket. */
const framesEach = 45;
const rounds = 3;
const patienceMs = 30_000;

/** `<head><part>,<part>…<tail>`, as often as the part goes into a frame. All of it is ASCII. */
function filled(head: string, part: (index: number) => string, tail: string): string {
  const parts: string[] = [];
  let length = head.length + tail.length;
  for (let index = 0; ; index++) {
    const next = part(index);
    length += next.length;
    if (length > frameBytes) return head + parts.join("").replace(/,$/, "") + tail;
    parts.push(next);
  }
}

/** Of every frame that is sent another. */
const nonce = "0000000000";
const publish = `{"type":"publish","nonce":"${nonce}","text":`;
const withData = `${publish}"hi","data":`;
const depth = Math.floor((frameBytes - withData.length - 1) / 2);
const text = JSON.stringify("a".repeat(16_300));
const frames: Readonly<Record<string, string>> = {
  "ordinary: four texts, which are stored": `[${Array.from({ length: 4 }, (_, at) => `${publish.replace(nonce, `${nonce}${at}`)}${text}}`).join(",")}]`,
  "ordinary: one text, which is too long": filled(`${publish}"`, () => "a", '"}'),
  "nested 32,000 deep": `${withData}${"[".repeat(depth)}${"]".repeat(depth)}}`,
  "a number of 65,000 digits": filled(withData, () => "9", "}"),
  "9,000 numbers beyond what a number holds": filled(`${withData}[`, () => "1e9999,", "]}"),
  "6,000 unknown fields": filled('{"type":"ping",', (index) => `"k${index}":1,`, "}"),
  "6,000 fields in data": filled(`${withData}{`, (index) => `"k${index}":1,`, "}}"),
  "the same field 10,000 times": filled("{", () => '"a":1,', "}"),
  "a field whose name has 65,000 characters": filled('{"type":"ping","', () => "k", '":1}'),
  "__proto__ in __proto__, 4,600 deep": `${'{"__proto__":'.repeat(4_600)}1${"}".repeat(4_600)}`,
  "__proto__ and constructor, 2,000 times": filled(
    "{",
    (index) => (index % 2 === 0 ? '"__proto__":{"a":1},' : '"constructor":{"prototype":{"a":1}},'),
    "}",
  ),
  "11,000 \\u escapes": filled(`${publish}"`, () => "\\u0061", '"}'),
  "11,000 lone surrogates": filled(`${publish}"`, () => "\\ud800", '"}'),
  "a batch of 32,000 numbers": filled("[", () => "1,", "]"),
  "no JSON, as its last character tells": filled(`${publish}"`, () => "a", '"'),
};

export async function hostile(): Promise<string> {
  const house = await House.open();
  try {
    const tenant = await house.newTenant("hostile", {
      framesPerSocketPerSecond: 10_000,
      framesPerSocketBurst: 20_000,
      publishPerUserPerSecond: 10_000,
      publishPerUserBurst: 20_000,
      publishPerRoomPerSecond: 20_000,
      publishPerRoomBurst: 40_000,
    });
    const token = await tenant.token("eve");
    const rows: string[][] = [];
    for (const [name, frame] of Object.entries(frames)) {
      const each: number[] = [];
      for (let round = 0; round < rounds; round++) each.push(await cpuOf(house, token, frame));
      rows.push([name, String(Buffer.byteLength(frame)), figure(median(each) / 1_000)]);
    }
    console.log(table(["frame", "bytes", "CPU, ms"], rows));
    const worst = Math.max(...rows.map(([, , ms]) => Number(ms)));
    return `at most ${worst} ms of CPU for a frame`;
  } finally {
    await house.close();
  }
}

/** Microseconds of the server's for one frame. */
async function cpuOf(house: House, token: string, frame: string): Promise<number> {
  const crowd = await Promise.all(
    Array.from({ length: sockets }, (_, at) => enter(house.socketUrl(`den-${at}`), token)),
  );
  const answered = new Set<WebSocket>();
  for (const socket of crowd)
    socket.on("message", (data) => bytes(data).toString().includes('"type":"pong"') && answered.add(socket));
  await delay(200);
  const beforeUs = cpuUs([house.processes.workerd]);
  for (let count = 0; count < framesEach; count++)
    for (const socket of crowd) socket.send(frame.replaceAll(nonce, `${++sent}`.padStart(nonce.length, "0")));
  // Answered in its turn, after all that came before it.
  for (const socket of crowd) socket.send('{"type":"ping","ref":"last"}');
  const deadlineMs = Date.now() + patienceMs;
  while (answered.size < sockets) {
    if (Date.now() > deadlineMs) throw new Error(`only ${answered.size} of ${sockets} sockets were answered`);
    await delay(5);
  }
  // What was to be stored may be told a little later.
  await delay(300);
  const spentUs = cpuUs([house.processes.workerd]) - beforeUs;
  for (const socket of crowd) socket.terminate();
  await delay(200);
  return spentUs / (sockets * framesEach);
}

async function enter(url: string, token: string): Promise<WebSocket> {
  const socket = newSocket(url, ["parley.v1", `bearer.${token}`]);
  socket.on("error", () => undefined);
  await once(socket, "open", { signal: AbortSignal.timeout(15_000) });
  return socket;
}
