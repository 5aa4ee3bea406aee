/** Microseconds of the machine's monotonic clock: the same for every process here, so stamps may cross process boundaries. */
export function nowUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000_000 + Math.floor(nanoseconds / 1000);
}
