/** A user is revoked who has a socket in many rooms, or all who have: how long until all are closed, and what is still let through. */
import { setTimeout as delay } from "node:timers/promises";
import type { WebSocket } from "ws";
import { nowUs } from "./clock.ts";
import { dialects } from "./dialects.ts";
import { difference, readMeter } from "./meter.ts";
import { percentile } from "./percentile.ts";
import type { RevocationJob, RevocationResult } from "./revocationJob.ts";
import { bytes, inGroups, newSocket, withinLimit } from "./socket.ts";

const OPENING_AT_ONCE = 20;
const OPEN_WITHIN_MS = 30_000;
const CLOSED_WITHIN_MS = 60_000;
const REVOKED = 4502;
const REASON = "bench";

interface Place {
  socket: WebSocket;
  /** Frames since it has joined. */
  heard: string[];
  closed: { atUs: number; code: number } | null;
}

export async function revocation(job: RevocationJob): Promise<RevocationResult> {
  const places: Place[] = [];
  try {
    await inGroups(job.rooms.length, OPENING_AT_ONCE, async (index) => {
      places[index] = await enter(job, index);
    });
    await settle(job, places);
    for (const place of places) place.heard = [];
    const before = readMeter(job.serverPids, 0);
    const startUs = nowUs();
    const answered = revoke(job).then(() => nowUs());
    const meant = places.filter((_, index) => job.everything || sits(job, index));
    while (meant.some(({ closed }) => closed === null) && nowUs() < startUs + CLOSED_WITHIN_MS * 1000) await delay(5);
    const after = readMeter(job.serverPids, 0);
    const { generatorBusy, othersBusy } = difference(before, after);
    const answeredUs = await answered;
    const good = meant.filter(({ closed, heard }) => closed?.code === REVOKED && heard.some(tells));
    const closedMs = good.map(({ closed }) => ((closed?.atUs ?? 0) - startUs) / 1000).toSorted((a, b) => a - b);
    return {
      closed: good.length,
      meant: meant.length,
      firstMs: closedMs[0] ?? 0,
      p50Ms: percentile(closedMs, 0.5),
      lastMs: closedMs.at(-1) ?? 0,
      answeredMs: (answeredUs - startUs) / 1000,
      woken: places.filter(({ heard }) => heard.some(isMark)).length,
      accepted: await acceptedIn(job),
      serverCpuSeconds: (after.serverUs - before.serverUs) / 1_000_000,
      generatorBusy,
      othersBusy,
    };
  } finally {
    for (const { socket } of places) socket.terminate();
  }
}

/** Resolves once the welcome and the backlog are read. */
async function enter(job: RevocationJob, index: number): Promise<Place> {
  const { parley } = dialects;
  const { target, rooms } = job;
  const room = rooms[index] ?? "";
  const token = target.tokens[sits(job, index) ? 0 : 1] ?? "";
  const url = `${target.base.replace("http", "ws")}${parley.socketPath(room)}?presence=none`;
  const socket = newSocket(url, parley.protocols(token));
  const place: Place = { socket, heard: [], closed: null };
  const joined = new Promise<void>((resolve, reject) => {
    socket.on("open", () => parley.opening(room).forEach((frame) => socket.send(frame)));
    socket.on("error", reject);
    socket.on("close", (code) => {
      place.closed = { atUs: nowUs(), code };
      reject(new Error(`the socket in ${room} was closed with ${code}`));
    });
    socket.on("message", (data) => {
      const frame = bytes(data);
      place.heard.push(frame.toString());
      if (parley.isReady?.(frame) === true) resolve();
    });
  });
  await withinLimit(joined, OPEN_WITHIN_MS, `the socket in ${room} did not join`);
  return place;
}

/** Either all rooms fall asleep, or each has just been spoken in. */
async function settle({ restMs }: RevocationJob, places: readonly Place[]): Promise<void> {
  if (restMs !== null) return delay(restMs);
  await inGroups(places.length, OPENING_AT_ONCE, async (index) => {
    const place = places[index];
    if (place === undefined) return;
    place.heard = [];
    place.socket.send('{"type":"history","ref":"awake","limit":1}');
    while (!place.heard.some((frame) => frame.includes('"ref":"awake"'))) await delay(1);
  });
}

/** Evenly among the rooms. */
function sits({ rooms, seated }: RevocationJob, index: number): boolean {
  return Math.floor(((index + 1) * seated) / rooms.length) > Math.floor((index * seated) / rooms.length);
}

async function revoke({ target, apiKey, user, everything }: RevocationJob): Promise<void> {
  const response = await fetch(`${target.base}/v1/revocations`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ ...(everything ? { issuedBefore: Date.now() } : { user }), reason: REASON }),
  });
  if (response.status !== 201) throw new Error(`not revoked: ${response.status} ${await response.text()}`);
}

/** What the user's token still stores, in a room of a hundred. */
async function acceptedIn(job: RevocationJob): Promise<number> {
  const { target, rooms, seated } = job;
  const [token = ""] = target.tokens;
  const asked = rooms.filter((_, index) => sits(job, index)).slice(0, Math.min(100, seated));
  const statuses = await Promise.all(
    asked.map(async (room) => {
      const response = await fetch(`${target.base}/v1/rooms/${room}/messages`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ text: "x" }),
      });
      await response.body?.cancel();
      return response.status;
    }),
  );
  return statuses.filter((status) => status < 300).length;
}

function tells(frame: string): boolean {
  return frame.includes('"type":"closing"') && frame.includes(REASON);
}

/** A room that has woken tells its sockets the head. */
function isMark(frame: string): boolean {
  return frame.includes('"type":"changes"') && frame.includes('"changes":[]');
}
