/** k6 as a scenario's ground: one of its virtual users is one place. */
import { check } from "k6";
import execution from "k6/execution";
import http from "k6/http";
import { Counter, Trend } from "k6/metrics";
import { type Answer, type Figure, figures, type Ground, type Question, type Sizes } from "../scenarios/ground.ts";
import { after } from "./after.ts";
import { Call } from "./call.ts";
import { hearWhole } from "./streamed.ts";

// k6 wants every one of them made while the script is loaded.
const meters = new Map(
  figures.map((name) => [name, name.endsWith("_ms") ? new Trend(name, true) : new Counter(name)] as const),
);
// A refusal is an answer; what fails is the server.
http.setResponseCallback(http.expectedStatuses({ min: 200, max: 499 }));

const url = (__ENV["PARLEY_URL"] ?? "http://127.0.0.1:8787").replace(/\/$/, "");
const key = __ENV["PARLEY_KEY"] ?? "";
const answerSeconds = 60;
/** What may come after the time of a scenario: its last turn, and its end. */
export const settleSeconds = 120;

export function groundOf(sizes: Sizes, place: number): Ground {
  // A counter that never counted has no threshold.
  for (const name of figures) if (!name.endsWith("_ms")) meters.get(name)?.add(0);
  return {
    url,
    key,
    sizes,
    place,
    sinceMs: execution.scenario.startTime,
    ask: (question) => ask(question, answerSeconds),
    hearsAsItComes: false,
    listen: (question, ear) => hearWhole(ask(question, sizes.seconds + settleSeconds), ear),
    connect: (address, protocols, ear) => new Call(address, protocols, ear),
    check: (promise, holds) => void check(null, { [promise]: () => holds }),
    add: (figure: Figure, value: number) => meters.get(figure)?.add(value),
    // Its virtual users know nothing of each other.
    meet: (byMs) => new Promise((resolve) => void after(byMs - Date.now(), resolve)),
    after,
  };
}

async function ask({ method, path, bearer, headers, body }: Question, withinSeconds: number): Promise<Answer> {
  const text = body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body);
  const answer = await http.asyncRequest(method, `${url}${path}`, text, {
    headers: {
      ...headers,
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(text === null ? {} : { "content-type": "application/json" }),
    },
    timeout: `${withinSeconds}s`,
    // Each room has paths of its own, and each path would be a line of k6's figures.
    tags: { name: `${method} ${path.replace(/load-[^/?]+/, "{room}").replace(/\?.*$/, "")}` },
  });
  const named = Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return { status: answer.status, headers: Object.fromEntries(named), body: answer.body ?? "" };
}
