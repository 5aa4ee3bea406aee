/** Reads the newest page of a quiet room again and again and notes how long each read waits. */
import { Agent, get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { nowUs } from "./clock.ts";
import { dialects } from "./dialects.ts";
import type { QuietJob, QuietResult } from "./jobs.ts";

const READ_WITHIN_MS = 60_000;
/** A stalled server may find its keep-alive time over before it sees the next request, and hang up. A client would ask again. */
const TRIES = 3;

/**
 * One read is due every `everyMs`, and only one is under way. The ones that fell due meanwhile are answered by it: their wait counts from
 * when they were due, so that a stall of a second is two hundred long waits and not one, without sending two hundred requests into it.
 */
export async function quietRead(job: QuietJob, isStopped: () => boolean): Promise<QuietResult> {
  const page = dialects[job.target.dialect].pagePath;
  if (page === null) throw new Error(`${job.target.dialect} has no page to read`);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const read = () =>
    readPatiently(new URL(page(job.room), job.target.base), { agent, headers: job.target.pageHeaders });
  await read(); // Opens the connection and wakes the room.
  const waits: QuietResult["waits"] = [];
  let dueUs = nowUs();
  while (!isStopped()) {
    await delay(Math.max(0, (dueUs - nowUs()) / 1000));
    const sentUs = nowUs();
    await read();
    const readUs = nowUs();
    // The first counts from its sending: this process's own timer is late by up to a millisecond or two.
    waits.push({ dueUs, waitUs: readUs - sentUs });
    for (dueUs += job.everyMs * 1000; dueUs < readUs; dueUs += job.everyMs * 1000)
      waits.push({ dueUs, waitUs: readUs - dueUs });
  }
  agent.destroy();
  return { waits };
}

/** The wait goes on through a hang-up: it is part of what the quiet room suffers. */
async function readPatiently(url: URL, options: { agent: Agent; headers: Record<string, string> }): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await readOnce(url, options);
    } catch (error) {
      const isHangUp = error instanceof Error && "code" in error && error.code === "ECONNRESET";
      if (!isHangUp || tries === TRIES) throw error;
    }
  }
}

function readOnce(url: URL, options: { agent: Agent; headers: Record<string, string> }): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(url, { ...options, timeout: READ_WITHIN_MS }, (response) => {
      response.resume();
      response.on("error", reject);
      response.on("end", () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`${url} answered ${response.statusCode}`)),
      );
    });
    request.on("timeout", () => request.destroy(new Error(`${url} took more than ${READ_WITHIN_MS} ms`)));
    request.on("error", reject);
  });
}
