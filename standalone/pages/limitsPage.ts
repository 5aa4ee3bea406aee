/** The page of limits, made of the tables of limits and of what is said of each. */
import { fixedLimitNotes } from "../../src/protocol/limitNotes.ts";
import type { FixedNotes } from "../../src/protocol/limitNotes/note.ts";
import { tenantLimitNotes } from "../../src/protocol/limitNotes/tenant.ts";
import { fixedLimits, type LimitName } from "../../src/protocol/limits.ts";
import { edgeLimits } from "../../src/protocol/limits/edge.ts";
import { tenantLimits } from "../../src/protocol/limits/tenant.ts";
import type { RefusalCode } from "../../src/protocol/refusals.ts";
import type { Page } from "./page.ts";

const tenantNames = Object.keys(tenantLimits) as LimitName[];

/** What a number of milliseconds is called by a person. */
const spans = [
  [86_400_000, "days"],
  [3_600_000, "hours"],
  [60_000, "minutes"],
  [1_000, "s"],
] as const;

export const limitsPage: Page = {
  path: "/limits",
  title: "Limits",
  description: "Every limit of Parley: its number, why it is so, and what happens at it.",
  markdown: `# Limits

Each limit holds at its edge: what is just allowed passes, one more is refused, with a [code](/errors) and, where waiting helps, \`retryAfterMs\`. [The guide](/guides/limits) says how rates count and how one is warned before.

## Of a tenant

The operator sets these for each tenant (\`PATCH /v1/tenants/{tenant}\` with \`limits\`), up to the ceiling. \`GET /v1/limits\` says those in force, and what is left.
A rate is a bucket: it holds the burst and is filled again by so much a second.

${table(
  ["name", "default", "ceiling", "unit", "at the limit", "why"],
  tenantNames.map((name) => {
    const { default: usual, ceiling, reason } = tenantLimits[name];
    const { unit, code, effect } = tenantLimitNotes[name];
    return [`\`${name}\``, figure(usual), figure(ceiling), unit, told(code, effect), reason];
  }),
)}

## Before anything is looked at

Counted at the edge; on one machine only where \`CLIENT_ADDRESS_HEADER\` names the header in which your proxy says the client's address. Over it: ${told("rate_limited", "for the rest of the period.")}

${table(
  ["name", "number", "in", "why"],
  Object.entries(edgeLimits).map(([name, { limit, periodSeconds, reason }]) => [
    `\`${name}\``,
    figure(limit),
    `${periodSeconds} s`,
    reason,
  ]),
)}

## The same for everyone

${Object.entries(fixedLimitNotes)
  .map(([title, notes]) => `### ${title}\n\n${fixedTable(notes)}`)
  .join("\n\n")}
`,
};

function fixedTable(notes: FixedNotes): string {
  const rows = Object.entries(notes).map(([name, note]) => {
    if (note === undefined || !isFixed(name)) throw new Error(`there is no limit ${name}`);
    return [note.what, amount(fixedLimits[name], note.unit), told(note.code, note.effect)];
  });
  return table(["what", "at most", "at the limit"], rows);
}

function isFixed(name: string): name is keyof typeof fixedLimits {
  return name in fixedLimits;
}

function told(code: RefusalCode | null, effect: string): string {
  return code === null ? effect : `[\`${code}\`](/errors/${code}): ${effect}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}

function figure(value: number): string {
  return value.toLocaleString("en");
}

/** As a person says it: 86,400,000 ms is a day. */
function amount(value: number, unit: string): string {
  const ms = unit === "ms" ? value : unit === "s" ? value * 1_000 : null;
  const [length, name] = spans.find(([span]) => ms !== null && ms % span === 0) ?? [];
  if (ms === null || length === undefined) return `${figure(value)} ${unit}`;
  return `${figure(ms / length)} ${ms === length ? name?.replace(/s$/, "") || "s" : name}`;
}
