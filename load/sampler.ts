/** What a server holds while it is under load: memory and descriptors, looked at again and again, and how much of both it gains. */
import { cpuUs } from "../bench/cpu.ts";
import { type Holdings, holdingsOf } from "../bench/memory.ts";
import { median } from "../bench/percentile.ts";
import { figure, table } from "../bench/table.ts";

const everyMs = 10_000;
/** A table that is longer is thinned out. */
const rowsShown = 40;

interface Reading extends Holdings {
  readonly minutes: number;
  /** Since it was started. */
  readonly cpuSeconds: number;
}

export class Sampler {
  readonly #pids: readonly number[];
  readonly #readings: Reading[] = [];
  readonly #sinceMs = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(pids: readonly number[]) {
    this.#pids = pids;
    this.#read();
    this.#timer = setInterval(() => this.#read(), everyMs);
  }

  /** A table, and the slope over the second half, when everybody is there and caches are full. */
  end(): string {
    clearInterval(this.#timer);
    this.#read();
    const each = Math.ceil(this.#readings.length / rowsShown);
    const rows = this.#readings
      .filter((_, index) => index % each === 0 || index === this.#readings.length - 1)
      .map(({ minutes, kilobytes, openFiles, cpuSeconds }) => [
        minutes.toFixed(1),
        (kilobytes / 1_024).toFixed(1),
        String(openFiles),
        cpuSeconds.toFixed(1),
      ]);
    return [table(["minute", "memory, MB", "descriptors", "CPU, s"], rows), this.#trend()].join("\n\n");
  }

  #trend(): string {
    const later = this.#readings.slice(Math.floor(this.#readings.length / 2), -1);
    if (later.length < 4) return "too short for a slope";
    const memory = slope(later.map(({ minutes, kilobytes }) => [minutes, kilobytes / 1_024]));
    const files = slope(later.map(({ minutes, openFiles }) => [minutes, openFiles]));
    const about = median(later.map(({ kilobytes }) => kilobytes / 1_024));
    const open = median(later.map(({ openFiles }) => openFiles));
    return `second half: memory ${figure(about)} MB, ${signed(memory)} MB a minute; descriptors ${figure(open)}, ${signed(files)} a minute`;
  }

  #read(): void {
    try {
      const minutes = (performance.now() - this.#sinceMs) / 60_000;
      this.#readings.push({ minutes, ...holdingsOf(this.#pids), cpuSeconds: cpuUs(this.#pids) / 1e6 });
    } catch {
      // The server has ended, which others notice.
    }
  }
}

/** Of the straight line that is nearest to all points. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [atX, atY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const squares = points.reduce((sum, [x]) => sum + (x - atX) ** 2, 0);
  return points.reduce((sum, [x, y]) => sum + (x - atX) * (y - atY), 0) / squares;
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
}
