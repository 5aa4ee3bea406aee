import { storm } from "../scenarios/storm.ts";
import { optionsOf, play } from "./play.ts";

export const options = optionsOf(storm);

export default (): Promise<void> => play(storm);
