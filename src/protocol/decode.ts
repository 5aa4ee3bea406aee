/** From what arrived on a socket to frames, or to one refusal for each that is none. */
import type * as z from "zod";
import { ClientFrame, Ref } from "./clientFrames.ts";
import { fixedLimits } from "./limits.ts";
import { isPlainPublish } from "./plainPublish.ts";
import { type Refusal, refuse } from "./refusals.ts";
import { isLonger } from "./text.ts";

const keysTold = 5;

/** Why something is no frame, and for which frame that is the answer. */
export type Undecoded = Refusal & { readonly ref?: string };
export type Decoded = { readonly ok: true; readonly frame: ClientFrame } | Undecoded;

export function decode(raw: string | ArrayBuffer, frameBytes: number): readonly Decoded[] {
  return decodeEach(raw, frameBytes, (value) =>
    isPlainPublish(value) ? { ok: true, frame: value } : decodeWith(ClientFrame, value),
  );
}

/** A JSON array is a batch: each frame in it stands for itself, so a bad one does not take its neighbours along. */
export function decodeEach<T>(
  raw: string | ArrayBuffer,
  frameBytes: number,
  decodeOne: (value: unknown) => T,
): readonly (T | Refusal)[] {
  if (typeof raw !== "string") return [refuse("bad_frame", "Binary frames are not taken: send JSON in a text frame.")];
  if (isLonger(raw, frameBytes)) return [refuse("too_large", `A frame may have ${frameBytes} bytes.`)];
  let parsed: unknown;
  try {
    parsed = JSON.parse(raw);
  } catch {
    return [refuse("bad_frame", "This is not JSON.")];
  }
  if (!Array.isArray(parsed)) return [decodeOne(parsed)];
  if (parsed.length > fixedLimits.framesPerBatch)
    return [refuse("too_large", `A batch may have ${fixedLimits.framesPerBatch} frames.`)];
  // It would wake the room and cost nothing.
  if (parsed.length === 0) return [refuse("bad_frame", "A batch has at least one frame.")];
  return parsed.map(decodeOne);
}

export function decodeWith<Frame>(
  schema: z.ZodType<Frame>,
  value: unknown,
): { readonly ok: true; readonly frame: Frame } | Undecoded {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, frame: parsed.data };
  const refusal = refusalOf(parsed.error);
  const ref = refOf(value);
  return ref === undefined ? refusal : { ...refusal, ref };
}

function refusalOf(error: z.ZodError): Refusal {
  const issue = error.issues[0];
  if (issue === undefined) return refuse("bad_frame");
  if (issue.code === "unrecognized_keys") return refuse("bad_frame", `Unknown field ${named(issue.keys)}.`);
  if (issue.path.length === 0) return refuse("bad_frame", "A frame is a JSON object.");
  if (issue.path[0] === "type") return refuse("bad_frame", "The field `type` names no frame of a client.");
  return refuse("invalid_field", `\`${issue.path.join(".")}\`: ${issue.message}.`);
}

/** The first few of them: an answer must not grow with what it refuses. */
function named(keys: readonly string[]): string {
  const told = keys.slice(0, keysTold).map((key) => JSON.stringify(key.slice(0, 40)));
  return told.join(", ") + (keys.length > keysTold ? ` and ${keys.length - keysTold} more` : "");
}

export function refOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("ref" in value)) return undefined;
  return Ref.safeParse(value.ref).data;
}
