/** Chances are the same at every run, so that a test fails for a change and never for the day. */
import * as fc from "fast-check";

/** Another one by `VITE_PARLEY_CHANCE=7 npm test`: to look for what no run has met yet. */
export const chance = Number(process.env["VITE_PARLEY_CHANCE"] ?? 20_261_121);

fc.configureGlobal({ seed: chance });
