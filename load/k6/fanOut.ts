import { fanOut } from "../scenarios/fanOut.ts";
import { optionsOf, play } from "./play.ts";

export const options = optionsOf(fanOut);

export default (): Promise<void> => play(fanOut);
