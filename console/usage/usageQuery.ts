/** What was used, of one span of time. */
import { queryOptions } from "@tanstack/react-query";
import { answered, api } from "../api.ts";
import { beginOf, type SpanName, spans, stepOf } from "./span.ts";

const againMs = 60_000;

export type UsageItem = Awaited<ReturnType<typeof read>>[number];

async function read(name: SpanName) {
  const { by, count } = spans[name];
  const from = String(beginOf(name, Date.now()));
  const { items } = await answered(api.v1.usage.$get({ query: { by, from, limit: String(count) } }));
  return whole(items, name, Number(from));
}

/** From the beginning on: before there was the tenant, nothing was used. */
function whole<Item extends { readonly from: number }>(
  items: readonly Item[],
  name: SpanName,
  beginMs: number,
): Item[] {
  const [first] = items;
  if (first === undefined) return [];
  const nothing = Object.fromEntries(Object.keys(first).map((figure) => [figure, 0]));
  const missing = Math.max(0, Math.round((first.from - beginMs) / stepOf(name)));
  const before = Array.from({ length: missing }, (_, index): Item => ({
    ...first,
    ...nothing,
    from: beginMs + index * stepOf(name),
  }));
  return [...before, ...items];
}

export function usageQuery(name: SpanName) {
  return queryOptions({ queryKey: ["usage", name], queryFn: () => read(name), refetchInterval: againMs });
}
