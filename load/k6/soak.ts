import { soak } from "../scenarios/soak.ts";
import { optionsOf, play } from "./play.ts";

export const options = optionsOf(soak);

export default (): Promise<void> => play(soak);
