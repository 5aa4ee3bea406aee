/** Up to where an erasure has looked: few indexes lead to a user, and to look from the beginning each time takes ever longer. */
export class ErasureMarks {
  reaction = 0;
  mention = 0;
  message = 0;

  get areMoved(): boolean {
    return this.reaction + this.mention + this.message > 0;
  }

  /** Once more from the beginning, for what has come meanwhile. */
  reset(): void {
    this.reaction = this.mention = this.message = 0;
  }
}

/** Where the next pass looks on, by the messages that this one has found: fewer than its limit were all. */
export function markBehind(messages: readonly number[], limit: number): number {
  return messages.length < limit ? Number.MAX_SAFE_INTEGER : (messages.at(-1) ?? 0);
}
