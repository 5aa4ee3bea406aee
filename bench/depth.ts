/** Pages and resumes of a long history and of a short one, one after the other and by turns first. */
import { Agent, get } from "node:http";
import type { DepthJob, DepthResult, Pair } from "./depthJob.ts";
import { dialects } from "./dialects.ts";
import { importHistory } from "./history.ts";
import { nowUs } from "./clock.ts";
import { median } from "./percentile.ts";
import { bytes, newSocket, withinLimit } from "./socket.ts";
import type { Target } from "./target.ts";

const PAGE = 50;
const ANSWER_WITHIN_MS = 15_000;
/** Pairs of each question before anything counts. */
const WARM_UP_PAIRS = 20;

interface History {
  room: string;
  messages: number;
  /** One message before its end. */
  behind: string;
}

/** Returns how long it took in microseconds. */
type Question = (history: History) => Promise<number>;

export async function depth(job: DepthJob): Promise<DepthResult> {
  const { target, pairs } = job;
  const shallow = await historyOf(target, "shallow", job.shallow);
  const startUs = nowUs();
  const deep = await historyOf(target, "deep", job.deep);
  const importedPerSecond = job.deep / ((nowUs() - startUs) / 1_000_000);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const page = (history: History, bounds = "") =>
    pageUs(target, agent, `${history.room}/messages?limit=${PAGE}${bounds}`);
  const inPairs = (ask: Question) => paired({ shallow, deep, pairs }, ask);
  try {
    return {
      deep: job.deep,
      importedPerSecond,
      newest: await inPairs((history) => page(history)),
      middle: await inPairs((history) => page(history, `&before=${history.messages / 2}`)),
      resume: await inPairs((history) => resumeUs(target, history)),
    };
  } finally {
    agent.destroy();
  }
}

async function historyOf(target: Target, room: string, messages: number): Promise<History> {
  const cursor = await importHistory(target, room, messages);
  const epoch = cursor.slice(0, cursor.indexOf(":"));
  return { room, messages, behind: `${epoch}:${messages - 1}` };
}

async function paired(
  { shallow, deep, pairs }: { shallow: History; deep: History; pairs: number },
  ask: Question,
): Promise<Pair> {
  const times: { shallowUs: number; deepUs: number }[] = [];
  for (let pair = -WARM_UP_PAIRS; pair < pairs; pair += 1) {
    const isDeepFirst = pair % 2 === 0;
    const firstUs = await ask(isDeepFirst ? deep : shallow);
    const secondUs = await ask(isDeepFirst ? shallow : deep);
    if (pair < 0) continue;
    times.push(isDeepFirst ? { deepUs: firstUs, shallowUs: secondUs } : { deepUs: secondUs, shallowUs: firstUs });
  }
  const middle = (of: (time: (typeof times)[number]) => number) => median(times.map(of));
  const shallowMs = middle(({ shallowUs }) => shallowUs) / 1000;
  const deepMs = middle(({ deepUs }) => deepUs) / 1000;
  return { shallowMs, deepMs, ratio: deepMs / shallowMs };
}

function pageUs({ base, pageHeaders }: Target, agent: Agent, path: string): Promise<number> {
  const startUs = nowUs();
  return new Promise((resolve, reject) => {
    const options = { agent, headers: pageHeaders, timeout: ANSWER_WITHIN_MS };
    const request = get(`${base}/v1/rooms/${path}`, options, (response) => {
      let found = 0;
      response.on("data", (chunk: Buffer) => (found += chunk.toString().split('"id":').length - 1));
      response.on("error", reject);
      response.on("end", () => {
        // Each message has an id, and its sender.
        if (response.statusCode === 200 && found >= PAGE) resolve(nowUs() - startUs);
        else reject(new Error(`${path} answered ${response.statusCode} with ${found} ids`));
      });
    });
    request.on("timeout", () => request.destroy(new Error(`${path} was not answered`)));
    request.on("error", reject);
  });
}

async function resumeUs(target: Target, { room, messages, behind }: History): Promise<number> {
  const { parley } = dialects;
  const startUs = nowUs();
  const query = `?cursor=${encodeURIComponent(behind)}&presence=none`;
  const url = `${target.base.replace("http", "ws")}${parley.socketPath(room)}${query}`;
  const socket = newSocket(url, parley.protocols(target.tokens[0] ?? ""));
  const resumed = new Promise<number>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", (code) => reject(new Error(`closed with ${code} while resuming`)));
    socket.on("open", () => parley.opening(room).forEach((frame) => socket.send(frame)));
    socket.on("message", (data) => {
      const frame = bytes(data);
      if (frame.includes('"reset":true')) reject(new Error(`${room} was begun anew`));
      if (frame.includes(`,"to":${messages}`)) resolve(nowUs() - startUs);
    });
  });
  try {
    return await withinLimit(resumed, ANSWER_WITHIN_MS, `${room} was not resumed`);
  } finally {
    socket.terminate();
  }
}
