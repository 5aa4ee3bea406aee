/** What docs/monitoring watches is what `/v1/metrics` tells. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
/** Of what a histogram tells, its own name. */
const familyOf = (sample: string): string => sample.replace(/_(?:bucket|sum|count)$/, "");
const namesIn = (text: string): string[] => [...new Set(text.match(/\bparley_[a-z_]+/g)?.map(familyOf))].toSorted();

/** From the source: the route itself imports what only workerd has. */
const told = namesIn([...read("src/routes/metrics.ts").matchAll(/name: "(\w+)"/g)].join(" "));

test("[B4] the dashboard for Grafana shows every metric that there is, and no other", () => {
  const dashboard: { readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[] } =
    JSON.parse(read("docs/monitoring/grafana.json"));
  expect(dashboard.panels.every(({ targets }) => targets.length > 0)).toBe(true);
  expect(namesIn(JSON.stringify(dashboard))).toEqual(told);
});

test("[B4] each alarm for Prometheus asks for metrics that there are, and the runbook says what it means", () => {
  const alerts = read("docs/monitoring/alerts.yml");
  const expressions = [...alerts.matchAll(/expr: (.*)/g)].map(([, expression = ""]) => expression);
  expect(namesIn(expressions.join(" ")).filter((name) => !told.includes(name))).toEqual([]);
  const runbook = read("docs/runbook.md");
  const alarms = [...alerts.matchAll(/alert: (\w+)/g)].map(([, alarm = ""]) => alarm);
  expect(alarms).toHaveLength(expressions.length);
  expect(alarms.filter((alarm) => !runbook.includes(`\`${alarm}\``))).toEqual([]);
});
