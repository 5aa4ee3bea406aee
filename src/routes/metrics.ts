/** How a tenant stands, for Prometheus. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { tenantStub } from "../objects/stubs.ts";
import type { Metrics } from "../objects/tenant/usage.ts";
import { router } from "./app.ts";
import { adminSecurity } from "./declared.ts";
import { admin, client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";

const read = createRoute({
  tags: ["tenant"],
  security: adminSecurity,
  middleware: [client, admin],
  method: "get",
  path: "/v1/metrics",
  summary: "Read counters and gauges in Prometheus' text format 0.0.4; they are at most 10 seconds old",
  responses: {
    200: {
      content: { "text/plain": { schema: z.string() } },
      description: "Without labels but `le`: it is one tenant.",
    },
    ...problems,
  },
});

export const metrics = router().openapi(read, async (c) => {
  const found = await tenantStub(c.env, c.get("identity").tenant).metrics();
  if (!found.ok) return problem(c, found);
  return c.text(families.map((family) => textOf(family, found.metrics)).join(""), 200, {
    "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
  });
});

type Family = { readonly name: `parley_${string}`; readonly help: string } & (
  | {
      readonly type: "counter" | "gauge";
      readonly value: keyof Metrics;
      /** How many of what is counted make one of what is told. */
      readonly per?: number;
    }
  | {
      readonly type: "histogram";
      /** Each with those below it: `le` and what it holds. */
      readonly buckets: readonly (readonly [bound: number, value: keyof Metrics])[];
      readonly sum: keyof Metrics;
      readonly count: keyof Metrics;
    }
);

/** A counter only grows, also over restarts and when rooms are deleted. No label but `le`: a room or a user would be a series of its own. */
const families: readonly Family[] = [
  { name: "parley_messages_total", type: "counter", value: "messages", help: "Messages that were stored." },
  {
    name: "parley_message_bytes_total",
    type: "counter",
    value: "bytes",
    help: "UTF-8 bytes of the text and the data of messages, as they were published.",
  },
  {
    name: "parley_changes_total",
    type: "counter",
    value: "changes",
    help: "Changes that were stored: messages, edits, deletions, reactions, members, settings.",
  },
  {
    name: "parley_credits_refused_total",
    type: "counter",
    value: "refused",
    help: "Credits for changes that rooms wanted and did not get, at the tenant's rate or its quota.",
  },
  {
    name: "parley_connections",
    type: "gauge",
    value: "connections",
    help: "Open connections to rooms: one of many rooms counts once in each.",
  },
  {
    name: "parley_connections_peak",
    type: "gauge",
    value: "peak",
    help: "The most open connections at once in the current hour, UTC.",
  },
  { name: "parley_rooms", type: "gauge", value: "rooms", help: "Rooms that exist." },
  { name: "parley_rooms_active", type: "gauge", value: "activeRooms", help: "Rooms with connections." },
  {
    name: "parley_room_awake_seconds_total",
    type: "counter",
    value: "awakeMs",
    per: 1_000,
    help: "Seconds for which rooms were awake, until each last said so; what follows it in each waking is missing.",
  },
  {
    name: "parley_room_wakings_total",
    type: "counter",
    value: "wakings",
    help: "Times that rooms woke, of those that have said so since.",
  },
  {
    name: "parley_flush_messages",
    type: "histogram",
    buckets: [
      [1, "flushesTo1"],
      [4, "flushesTo4"],
      [16, "flushesTo16"],
      [64, "flushesTo64"],
    ],
    sum: "flushed",
    count: "flushes",
    help: "Messages that one flush of a room has stored, of those that stored any.",
  },
  { name: "parley_storage_bytes", type: "gauge", value: "storageBytes", help: "Size of the databases of all rooms." },
  { name: "parley_uploads_total", type: "counter", value: "uploads", help: "Files that were uploaded." },
  { name: "parley_uploaded_bytes_total", type: "counter", value: "uploadedBytes", help: "Bytes of these files." },
  { name: "parley_file_bytes", type: "gauge", value: "fileBytes", help: "Bytes of the files that are stored." },
  {
    name: "parley_policy_version",
    type: "gauge",
    value: "policyVersion",
    help: "Grows with each change of the tenant's settings, limits and keys.",
  },
];

/** The texts hold no backslash and no line break, which would have to be escaped. */
function textOf(family: Family, standing: Metrics): string {
  const { name, type, help } = family;
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samplesOf(family, standing)}`;
}

function samplesOf(family: Family, standing: Metrics): string {
  const { name } = family;
  if (family.type !== "histogram") return `${name} ${standing[family.value] / (family.per ?? 1)}\n`;
  const { buckets, sum, count } = family;
  const within = buckets.map(([bound, value]) => `${name}_bucket{le="${bound}"} ${standing[value]}\n`).join("");
  return `${within}${name}_bucket{le="+Inf"} ${standing[count]}\n${name}_sum ${standing[sum]}\n${name}_count ${standing[count]}\n`;
}
