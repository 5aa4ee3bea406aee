/** Where a reader stands: `<epoch>:<seq>`, the same text in a URL, as SSE `id`, in a page and in a webhook. */
import * as z from "zod";

/** The epoch names the history in which `seq` counts: after a restore the same numbers would mean other changes. */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

const form = /^([A-Za-z0-9_-]{8}):(0|[1-9][0-9]{0,15})$/;

export const Cursor = z.string().regex(form, "<epoch>:<seq>, as the server gave it");

/** Null for a text that no server gave. */
export function parseCursor(text: string): Position | null {
  const match = form.exec(text);
  return match?.[1] !== undefined && match[2] !== undefined ? { epoch: match[1], seq: Number(match[2]) } : null;
}

export function formatCursor({ epoch, seq }: Position): string {
  return `${epoch}:${seq}`;
}
