/** What `/v1/metrics` says of a tenant, read by the grammar of the format. */
import { expect } from "vitest";
import { call } from "../routes/edge.ts";
import type { TestTenant } from "./api.ts";

const number = String.raw`(?:0|[1-9]\d*)(?:\.\d+)?`;
const head = String.raw`# HELP (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) [^\\\n]+\n# TYPE \k<name> (?<type>counter|gauge|histogram)\n`;
/** The only label that there is says how wide a bucket is. */
const sample = String.raw`\k<name>(?:_bucket\{le="(?:\d+|\+Inf)"\}|_sum|_count)? ${number}\n`;

/** For each family its help, its type and its samples: one, whose name says a counter from a gauge, or those of a histogram. */
export async function metrics(tenant: TestTenant): Promise<Map<string, number>> {
  const answer = await call("/v1/metrics", { credential: tenant.key });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const text = await answer.text();
  const family = new RegExp(`${head}(?<samples>(?:${sample})+)`, "y");
  const samples = new Map<string, number>();
  while (family.lastIndex < text.length) {
    const { name = "", type = "", samples: lines = "" } = family.exec(text)?.groups ?? {};
    expect(name).toMatch(/^parley_/);
    const told = lines
      .trim()
      .split("\n")
      .map((line) => line.split(" "))
      .map(([sampled = "", value]) => [sampled, Number(value)] as const);
    if (type === "histogram") expectHistogram(name, told);
    else
      expect([type, told.map(([sampled]) => sampled)]).toEqual([name.endsWith("_total") ? "counter" : "gauge", [name]]);
    for (const [sampled, value] of told) {
      expect(samples.has(sampled)).toBe(false);
      samples.set(sampled, value);
    }
  }
  return samples;
}

/** Buckets that hold each other, the widest of which holds all; then the sum and the count. */
function expectHistogram(name: string, told: readonly (readonly [string, number])[]): void {
  const buckets = told.slice(0, -2);
  const bounds = buckets.map(([sampled]) => Number(/le="(.*)"/.exec(sampled)?.[1]?.replace("+Inf", "Infinity")));
  expect(bounds).toEqual([...bounds].sort((one, other) => one - other));
  expect(bounds.at(-1)).toBe(Infinity);
  const held = buckets.map(([, value]) => value);
  expect(held).toEqual([...held].sort((one, other) => one - other));
  expect(told.slice(-2).map(([sampled]) => sampled)).toEqual([`${name}_sum`, `${name}_count`]);
  expect(told.at(-1)?.[1]).toBe(held.at(-1));
}
