/** What an application's server does over HTTP, again and again. A place is a user with a room of its own. */
import { call, checkProblem, tokenOf } from "./call.ts";
import { type Answer, delay, type Ground, isOver, type Question, roomOf, type Scenario } from "./ground.ts";
import { held } from "./thresholds.ts";

const messages = 20;
const pageSize = 7;
/** More than a user may say at once. */
const flooding = 60;
const pauseMs = 1_000;

export const api: Scenario = {
  sizes: { users: 10, perPlace: 1, seconds: 60 },
  thresholds: { ...held, http_req_duration: ["p(95)<1000", "p(99)<3000"] },
  play,
};

interface Visit {
  readonly ground: Ground;
  readonly path: string;
  readonly token: string;
  readonly reader: string;
}

async function play(ground: Ground): Promise<void> {
  const token = await tokenOf(ground, `u_${ground.place}`);
  const reader = await tokenOf(ground, `r_${ground.place}`, ["read"]);
  for (let turn = 0; turn === 0 || !isOver(ground); turn++) {
    const path = `/v1/rooms/${roomOf(ground, "api")}-${ground.place}-${turn}`;
    const visit = { ground, path, token, reader };
    await publishBatch(visit);
    await pageThrough(visit);
    await followChanges(visit);
    await publishTwice(visit);
    await refused(visit);
    await tellsLimits(visit);
    await delay(ground, pauseMs);
  }
  await flood(ground);
}

/** All or none, once for an idempotency key. */
async function publishBatch({ ground, path }: Visit): Promise<void> {
  const send = (words: string): Promise<Answer> =>
    ground.ask({
      method: "POST",
      path: `${path}/messages:batch`,
      bearer: ground.key,
      headers: { "idempotency-key": "batch-number-one" },
      body: { messages: Array.from({ length: messages }, (_, index) => ({ text: `${words} ${index}` })) },
    });
  const first = await send("line");
  ground.check("a batch is published", first.status === 201);
  ground.check("a batch lies in a row", String(seqsOf(first)) === String(upTo(messages)));
  const again = await send("line");
  ground.check("a repeated batch is replayed", again.status === 200 && again.headers["idempotent-replayed"] === "true");
  ground.check("a repeated batch has the same seqs", String(seqsOf(again)) === String(seqsOf(first)));
  checkProblem(ground, await send("another line"), { status: 422, code: "nonce_reused" });
}

function seqsOf({ body }: Answer): number[] {
  const { messages: sent } = JSON.parse(body) as { messages?: { seq: number }[] };
  return (sent ?? []).map(({ seq }) => seq);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

interface Page {
  readonly messages: readonly { readonly id: number }[];
  readonly hasMore: boolean;
  readonly cursor: string;
}

/** Forwards and backwards the pages hold each message once. */
async function pageThrough({ ground, path, reader }: Visit): Promise<void> {
  const page = async (query: string): Promise<Page> =>
    (await call(ground, { method: "GET", path: `${path}/messages?limit=${pageSize}${query}`, bearer: reader })) as Page;
  const forwards: number[] = [];
  for (let next = await page("&after=0"); ; next = await page(`&after=${forwards.at(-1)}`)) {
    forwards.push(...next.messages.map(({ id }) => id));
    if (!next.hasMore || next.messages.length === 0) break;
  }
  ground.check("pages forwards hold each message once", String(forwards) === String(upTo(messages)));
  const backwards: number[] = [];
  for (let next = await page(""); ; next = await page(`&before=${backwards[0]}`)) {
    backwards.unshift(...next.messages.map(({ id }) => id));
    if (!next.hasMore || next.messages.length === 0) break;
  }
  ground.check("pages backwards hold each message once", String(backwards) === String(upTo(messages)));
}

interface Changes {
  readonly from: number;
  readonly to: number;
  readonly changes: readonly { readonly message?: { readonly seq: number } }[];
  readonly cursor: string;
  readonly hasMore: boolean;
}

/** From nothing to the head, without a hole; and then there is nothing. */
async function followChanges({ ground, path, reader }: Visit): Promise<void> {
  const ask = async (after: string): Promise<Changes> =>
    (await call(ground, { method: "GET", path: `${path}/changes?after=${after}&wait=0`, bearer: reader })) as Changes;
  const seqs: number[] = [];
  let told = await ask("0");
  for (let at = 0; ; told = await ask(told.cursor)) {
    ground.check("changes over HTTP follow one another", told.from <= at && told.to >= at);
    seqs.push(...told.changes.flatMap(({ message }) => (message === undefined ? [] : [message.seq])));
    at = told.to;
    if (!told.hasMore) break;
  }
  ground.check("changes over HTTP hold everything", String(seqs) === String(upTo(messages)));
  const { changes, to } = await ask(told.cursor);
  ground.check("at the head there is nothing more", changes.length === 0 && to === messages);
}

async function publishTwice({ ground, path, token }: Visit): Promise<void> {
  const send = (text: string): Promise<Answer> =>
    ground.ask({
      method: "POST",
      path: `${path}/messages`,
      bearer: token,
      headers: { "idempotency-key": "message-number-one" },
      body: { text },
    });
  const [first, again] = [await send("once"), await send("once")];
  const idOf = ({ body }: Answer): unknown => (JSON.parse(body) as { message?: { id?: number } }).message?.id;
  ground.check("a message is published", first.status === 201 && idOf(first) === messages + 1);
  ground.check("a message is published once", again.status === 200 && idOf(again) === idOf(first));
  ground.check("a repeated message is replayed", again.headers["idempotent-replayed"] === "true");
  checkProblem(ground, await send("twice"), { status: 422, code: "nonce_reused" });
}

async function refused({ ground, path, token, reader }: Visit): Promise<void> {
  const post = { method: "POST", path: `${path}/messages` } as const;
  const cases: readonly (readonly [number, string, Question])[] = [
    [401, "token_missing", { ...post, body: { text: "who?" } }],
    [401, "token_invalid", { ...post, bearer: "nobody", body: { text: "who?" } }],
    [403, "forbidden", { ...post, bearer: reader, body: { text: "may I?" } }],
    [400, "bad_request", { ...post, bearer: token, body: "{" }],
    [400, "invalid_field", { ...post, bearer: token, body: { text: 1 } }],
    [404, "not_found", { method: "GET", path: `${path}/messages/1000000`, bearer: reader }],
    [404, "not_found", { method: "GET", path: "/v1/nothing" }],
    [405, "method_not_allowed", { method: "PATCH", path: "/v1/tokens" }],
    [413, "too_large", { ...post, bearer: token, body: { text: "x".repeat(20_000) } }],
  ];
  for (const [status, code, question] of cases) checkProblem(ground, await ground.ask(question), { status, code });
}

async function tellsLimits({ ground, token }: Visit): Promise<void> {
  const answer = await ground.ask({ method: "GET", path: "/v1/limits", bearer: token });
  ground.check("limits can be read", answer.status === 200 && checkLevels(answer));
}

function checkLevels({ headers }: Answer): boolean {
  const levels = headers["ratelimit"] ?? "";
  const policies = headers["ratelimit-policy"] ?? "";
  return /^"[a-z_]+";r=\d+;t=\d+/.test(levels) && /^"[a-z_]+";q=\d+/.test(policies);
}

/** Who says too much is told so, and when to come again. */
async function flood(ground: Ground): Promise<void> {
  const token = await tokenOf(ground, `f_${ground.place}`);
  const path = `/v1/rooms/${roomOf(ground, "flood")}-${ground.place}/messages`;
  const one = { method: "POST", path, bearer: token, body: { text: "and another thing" } } as const;
  const answers = await Promise.all(Array.from({ length: flooding }, () => ground.ask(one)));
  const refusals = answers.filter(({ status }) => status !== 201);
  ground.check("a flood is let in in part", refusals.length > 0 && refusals.length < flooding);
  for (const answer of refusals) {
    const { retryAfterMs, retryable } = checkProblem(ground, answer, { status: 429, code: "rate_limited" });
    ground.check("429 says when to come again", Number(answer.headers["retry-after"]) * 1_000 >= Number(retryAfterMs));
    ground.check("429 says which limit", retryable === true && checkLevels(answer));
  }
}
