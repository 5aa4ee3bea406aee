/** All scenarios at once, each so small that together they take little: whether every promise holds, not how fast. */
import { api } from "./api.ts";
import { chat } from "./chat.ts";
import { fanOut } from "./fanOut.ts";
import type { Scenario, Thresholds } from "./ground.ts";
import { soak } from "./soak.ts";
import { sse } from "./sse.ts";
import { storm } from "./storm.ts";
import { untimed } from "./thresholds.ts";

const seconds = 30;

export const smoke: Readonly<Record<string, Scenario>> = {
  chat: { ...chat, sizes: { users: 10, perPlace: 5, seconds } },
  fanOut: { ...fanOut, sizes: { users: 40, perPlace: 20, seconds } },
  storm: { ...storm, sizes: { users: 40, perPlace: 20, seconds } },
  soak: { ...soak, sizes: { users: 20, perPlace: 10, seconds } },
  api: { ...api, sizes: { users: 2, perPlace: 1, seconds } },
  sse: { ...sse, sizes: { users: 2, perPlace: 1, seconds } },
};

/** Of all together. */
export const smokeThresholds = untimed(allOf(({ thresholds }) => thresholds));
export const smokeAsItComes = untimed(allOf(({ asItComes = {} }) => asItComes));

function allOf(thresholdsOf: (scenario: Scenario) => Thresholds): Thresholds {
  return Object.assign({}, ...Object.values(smoke).map(thresholdsOf));
}
