/** What the end of a connection asks for. The range of its code is the instruction: 44xx come back, 45xx do not. */
import type { RefusalCode } from "../protocol/refusals.ts";
import type { ClosingFrame, ErrorFrame } from "../protocol/serverFrames.ts";
import { fromFrame, networkError, ParleyError } from "./error.ts";

/** How a connection ended, as far as it is known. */
export interface Ending {
  /** Of the Close frame; 1006 where none came. */
  readonly code: number;
  readonly reason?: string | undefined;
  readonly closing?: ClosingFrame | undefined;
  /** The last one that answered nothing: why, where the connection was refused. */
  readonly error?: ErrorFrame | undefined;
}

export type Instruction = "now" | "backoff" | "never";

/** Of a room's farewell, which says a code alone. Those of the same range are told apart by its text. */
const names: Readonly<Record<number, RefusalCode>> = {
  4502: "token_revoked",
  4504: "room_deleted",
  4510: "tenant_suspended",
};

export function instructionOf({ code, closing }: Ending): Instruction {
  const told = closing?.code ?? code;
  if ((told >= 4500 && told <= 4599) || closing?.reconnect === "never") return "never";
  // Of the others of the range none is urgent.
  return closing?.reconnect ?? (told === 4413 || told >= 4429 ? "backoff" : "now");
}

/** The same as an error. A code that is no refusal is a lost network. */
export function errorOf(ending: Ending): ParleyError {
  const { code, reason, closing, error } = ending;
  const told = closing?.code ?? code;
  if (told < 4400 || told > 4599) return networkError("The connection was lost.");
  if (error !== undefined) return fromFrame(error);
  const retryable = instructionOf(ending) !== "never";
  const name = known(reason) ?? names[told] ?? (retryable ? "restarting" : "forbidden");
  return new ParleyError(name, closing?.reason ?? reason ?? name, { retryable, retryAfterMs: closing?.retryAfterMs });
}

/** The server closes with the refusal's name as the reason. */
function known(reason: string | undefined): RefusalCode | undefined {
  return reason !== undefined && /^[a-z]+(_[a-z]+)*$/.test(reason) ? (reason as RefusalCode) : undefined;
}
