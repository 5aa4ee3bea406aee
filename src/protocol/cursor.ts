/** Where a reader stands: `<epoch>:<seq>`, the same text in a URL, as SSE `id`, in a page and in a webhook. */
import * as z from "zod";

/** The epoch names the history in which `seq` counts: after a restore the same numbers would mean other changes. */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
  /**
   * While a reader pages through a whole history with `/changes?after=0`: the room's floor when it began. It stands below
   * rows that were removed long ago, which is no gap for it as long as the floor has not moved since.
   */
  readonly floor?: number;
}

const form = /^([A-Za-z0-9_-]{8}):(0|[1-9][0-9]{0,15})(?:~(0|[1-9][0-9]{0,15}))?$/;

export const Cursor = z.string().regex(form, "<epoch>:<seq>, as the server gave it");

/** Null for a text that no server gave. */
export function parseCursor(text: string): Position | null {
  const [, epoch, seq, floor] = form.exec(text) ?? [];
  if (epoch === undefined || seq === undefined) return null;
  return { epoch, seq: Number(seq), ...(floor === undefined ? {} : { floor: Number(floor) }) };
}

export function formatCursor({ epoch, seq, floor }: Position): string {
  return floor === undefined ? `${epoch}:${seq}` : `${epoch}:${seq}~${floor}`;
}
