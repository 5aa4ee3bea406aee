/** A message that writes itself, word by word, as a model would. */
import { ParleyError, type Room } from "../../src/client/client.ts";

const text =
  "A streamed message grows while it is read. Every reader sees the same text, whoever came in when, and whatever was cut in between: " +
  "what a reader is missing is asked for, and what was said twice is dropped. It is stored as one change when it ends. Until then anybody who " +
  "may, stops it.\n\nStop this one, or let it come to its end.";
const wordMs = 90;

/** Resolves when it is over, also where somebody has stopped it. Throws what the server refuses. */
export async function streamDemo(room: Room, signal: AbortSignal): Promise<void> {
  const stream = await room.stream();
  const either = AbortSignal.any([signal, stream.signal]);
  try {
    for (const word of text.split(/(?<=\s)/)) {
      if (either.aborted) break;
      stream.append(word);
      await pause(wordMs);
    }
    if (signal.aborted) await stream.cancel();
    else await stream.finish();
  } catch (error) {
    if (!(error instanceof ParleyError) || error.code !== "stream_cancelled") throw error;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
