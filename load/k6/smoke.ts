import { smoke, smokeAsItComes, smokeThresholds } from "../scenarios/smoke.ts";
import { executorOf, play, summaryTrendStats, unjudged } from "./play.ts";

export const options = {
  scenarios: Object.fromEntries(
    Object.entries(smoke).map(([name, { sizes }]) => [name, { ...executorOf(sizes), env: { PARLEY_PART: name } }]),
  ),
  thresholds: smokeThresholds,
  summaryTrendStats,
};

export const teardown = unjudged(smokeAsItComes);

export default async (): Promise<void> => {
  const scenario = smoke[__ENV["PARLEY_PART"] ?? ""];
  if (scenario !== undefined) await play(scenario, scenario.sizes);
};
