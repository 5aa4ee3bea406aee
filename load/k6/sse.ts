import { sse } from "../scenarios/sse.ts";
import { optionsOf, play, unjudged } from "./play.ts";

export const options = optionsOf(sse);

export const teardown = unjudged(sse.asItComes);

export default (): Promise<void> => play(sse);
