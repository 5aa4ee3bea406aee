/** Where a pointer is: parts of the window, from 0 to 1. */
export interface Pointer {
  readonly x: number;
  readonly y: number;
}

/** Of what another page has said. It may be anything: whoever may be present may say what they like. */
export function pointerOf(state: unknown): Pointer | null {
  if (typeof state !== "object" || state === null || !("x" in state) || !("y" in state)) return null;
  const { x, y } = state;
  return isPart(x) && isPart(y) ? { x, y } : null;
}

function isPart(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= 1;
}
