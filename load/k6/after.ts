/** Calls later, unless what it returns is called before. */
export function after(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, Math.max(0, ms));
  return () => clearTimeout(timer);
}
