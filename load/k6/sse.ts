import { sse } from "../scenarios/sse.ts";
import { optionsOf, play } from "./play.ts";

export const options = optionsOf(sse);

export default (): Promise<void> => play(sse);
