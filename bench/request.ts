/** Kinds of requests in turn, many of each, and the server's processor time for each kind. */
import { Agent, request as send } from "node:http";
import { cpuUs } from "./cpu.ts";
import { median } from "./percentile.ts";
import type { RequestJob, RequestResult } from "./requestJob.ts";
import { stampedText } from "./stamp.ts";
import type { Target } from "./target.ts";

const AT_ONCE = 4;
const ANSWER_WITHIN_MS = 15_000;
/** Of each kind, before anything counts. */
const WARM_UP_REQUESTS = 300;

interface Kind {
  path: string;
  headers: Record<string, string>;
  status: number;
}

const kinds = {
  unknown: { path: "/v1/rooms/costly/nothing", headers: {}, status: 404 },
  // Not what a nonce may be made of.
  refused: { path: "/v1/rooms/costly/messages", headers: { "idempotency-key": "no nonce" }, status: 400 },
  published: { path: "/v1/rooms/costly/messages", headers: {}, status: 201 },
} satisfies Record<string, Kind>;

export async function request(job: RequestJob): Promise<RequestResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const costs: { unknownUs: number; refusedUs: number; publishedUs: number }[] = [];
  try {
    for (const kind of Object.values(kinds)) await all(job.target, agent, kind, WARM_UP_REQUESTS);
    const cost = async (kind: Kind): Promise<number> => {
      const beforeUs = cpuUs(job.serverPids);
      await all(job.target, agent, kind, job.requests);
      return (cpuUs(job.serverPids) - beforeUs) / job.requests;
    };
    for (let round = 0; round < job.rounds; round += 1)
      costs.push({
        unknownUs: await cost(kinds.unknown),
        refusedUs: await cost(kinds.refused),
        publishedUs: await cost(kinds.published),
      });
  } finally {
    agent.destroy();
  }
  const middle = (of: (cost: (typeof costs)[number]) => number) => median(costs.map(of));
  return {
    unknownUs: middle(({ unknownUs }) => unknownUs),
    refusedUs: middle(({ refusedUs }) => refusedUs),
    publishedUs: middle(({ publishedUs }) => publishedUs),
    checkedUs: middle(({ refusedUs, unknownUs }) => refusedUs - unknownUs),
    storedUs: middle(({ publishedUs, refusedUs }) => publishedUs - refusedUs),
  };
}

async function all(target: Target, agent: Agent, kind: Kind, count: number): Promise<void> {
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun < count) await one(target, agent, kind, begun++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Users take turns: a token that was just verified is worth nothing to another. */
function one({ base, tokens }: Target, agent: Agent, { path, headers, status }: Kind, index: number): Promise<void> {
  const body = JSON.stringify({ text: stampedText({ number: index, sentUs: 0 }) });
  const authorization = `Bearer ${tokens[index % tokens.length] ?? ""}`;
  const known = { "content-type": "application/json", "content-length": Buffer.byteLength(body), authorization };
  return new Promise((resolve, reject) => {
    const options = { method: "POST", agent, headers: { ...known, ...headers }, timeout: ANSWER_WITHIN_MS };
    const sent = send(`${base}${path}`, options, (response) => {
      response.resume();
      response.on("error", reject);
      response.on("end", () =>
        response.statusCode === status ? resolve() : reject(new Error(`${path} answered ${response.statusCode}`)),
      );
    });
    sent.on("timeout", () => sent.destroy(new Error(`${path} was not answered`)));
    sent.on("error", reject);
    sent.end(body);
  });
}
