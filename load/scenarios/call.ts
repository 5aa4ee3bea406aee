/** Calls over HTTP that scenarios share. */
import type { Answer, Ground, Question } from "./ground.ts";

/** The tenant's own call, whose answer must be good. */
export async function call(ground: Ground, question: Question): Promise<unknown> {
  const answer = await ground.ask({ bearer: ground.key, ...question });
  if (answer.status < 200 || answer.status > 299)
    throw new Error(`${question.method} ${question.path} answered ${answer.status}: ${answer.body.slice(0, 300)}`);
  return answer.body === "" ? null : JSON.parse(answer.body);
}

export async function tokenOf(ground: Ground, user: string, capabilities = ["read", "publish"]): Promise<string> {
  const body = { user, rooms: { "*": capabilities }, expiresInSeconds: 7_200 };
  const made = (await call(ground, { method: "POST", path: "/v1/tokens", body })) as { token: string };
  return made.token;
}

export interface RoomState {
  readonly head: number;
  readonly online: number;
}

export async function stateOf(ground: Ground, room: string): Promise<RoomState> {
  return (await call(ground, { method: "GET", path: `/v1/rooms/${room}` })) as RoomState;
}

/** Every refusal is a problem of RFC 9457 that says its code, and says the same of itself everywhere. */
export function checkProblem(
  ground: Ground,
  answer: Answer,
  expected: { readonly status: number; readonly code?: string },
): Record<string, unknown> {
  const type = answer.headers["content-type"] ?? "";
  const told = type.startsWith("application/problem+json") ? (JSON.parse(answer.body) as Record<string, unknown>) : {};
  const { code, status, title, detail, requestId, retryable } = told;
  const isWhole =
    typeof code === "string" &&
    told["type"] === `/errors/${code}` &&
    typeof title === "string" &&
    typeof detail === "string" &&
    typeof retryable === "boolean" &&
    requestId === answer.headers["x-request-id"];
  ground.check("a refusal is a whole problem+json", isWhole);
  ground.check(
    `a refusal of ${expected.status} is one`,
    answer.status === expected.status && status === answer.status && (expected.code ?? code) === code,
  );
  return told;
}
