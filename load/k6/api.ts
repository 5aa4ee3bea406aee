import { api } from "../scenarios/api.ts";
import { optionsOf, play } from "./play.ts";

export const options = optionsOf(api);

export default (): Promise<void> => play(api);
