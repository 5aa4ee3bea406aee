/** A scenario as k6 runs it: a virtual user for each place, all at once. */
import { check } from "k6";
import execution from "k6/execution";
import { placesOf, type Scenario, type Sizes, type Thresholds } from "../scenarios/ground.ts";
import { groundOf, settleSeconds } from "./ground.ts";

/** As in its file, unless `PARLEY_USERS`, `PARLEY_PER_PLACE` and `PARLEY_SECONDS` say otherwise. */
export function sizesOf({ sizes }: Scenario): Sizes {
  const given = (name: string, otherwise: number): number => Number(__ENV[name] || otherwise);
  return {
    users: given("PARLEY_USERS", sizes.users),
    perPlace: given("PARLEY_PER_PLACE", sizes.perPlace),
    seconds: given("PARLEY_SECONDS", sizes.seconds),
  };
}

export function executorOf(sizes: Sizes): object {
  return {
    executor: "per-vu-iterations",
    vus: placesOf(sizes),
    iterations: 1,
    maxDuration: `${sizes.seconds + settleSeconds}s`,
    gracefulStop: "5s",
  };
}

export const summaryTrendStats = ["med", "p(95)", "p(99)", "max"];

/** For `export const options`. */
export function optionsOf(scenario: Scenario): object {
  return {
    scenarios: { default: executorOf(sizesOf(scenario)) },
    thresholds: scenario.thresholds,
    summaryTrendStats,
  };
}

/** For `export const teardown`: what is not judged must not pass for green. */
export function unjudged(asItComes: Thresholds = {}): () => void {
  const each = Object.entries(asItComes).flatMap(([figure, expressions]) =>
    expressions.map((text) => `${figure} ${text}`),
  );
  return () => console.warn(`not judged, as k6 hears a stream when it has ended: ${each.join("; ")}`);
}

export async function play(scenario: Scenario, sizes = sizesOf(scenario)): Promise<void> {
  try {
    await scenario.play(groundOf(sizes, execution.scenario.iterationInTest));
    check(null, { "it was played to its end": () => true });
  } catch (error) {
    console.error(String(error));
    check(null, { "it was played to its end": () => false });
  }
}
