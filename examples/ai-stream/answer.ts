/** Writes what a model says into a room, as it says it. */
import type { Room } from "parley/client";
import { saidBy } from "./model.ts";

export async function answer(room: Room, prompt: string, replyTo: number): Promise<void> {
  const stream = await room.stream({ replyTo });
  try {
    // Stopped on whatever device, the signal ends, and with it the call to the model.
    for await (const piece of saidBy(prompt, stream.signal)) stream.append(piece);
    await stream.finish();
  } catch (error) {
    if (stream.signal.aborted) return;
    // What it had said stays, and everybody sees that there will be no more.
    await stream.fail();
    throw error;
  }
}
