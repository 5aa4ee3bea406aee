/** The body of an answer, whoever gives it: no more of it is held than any answer of Parley's has. */
import { Failure } from "./failure.ts";

/** A page has 200 messages at most, and a message 64 KB and what has been made of it. */
const answerBytesMax = 33_554_432;

/** As JSON; null where it is none. Throws a Failure where it is too much, and what the network throws. */
export async function valueOf(response: Response): Promise<unknown> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > answerBytesMax)
      throw new Failure("the answer is larger than any of Parley's: what is at that address?");
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString());
  } catch {
    return null;
  }
}
