import { chat } from "../scenarios/chat.ts";
import { optionsOf, play } from "./play.ts";

export const options = optionsOf(chat);

export default (): Promise<void> => play(chat);
