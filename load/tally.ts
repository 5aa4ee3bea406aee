/** What a scenario counts where no k6 counts it, held against its thresholds and told as k6 tells it. */
import { percentile } from "../bench/percentile.ts";

const expression = /^(count|rate|max|p\((\d+)\))(==|<|>)(\d+(?:\.\d+)?)$/;

export class Tally {
  readonly #checks = new Map<string, { passed: number; failed: number }>();
  readonly #counts = new Map<string, number>();
  readonly #times = new Map<string, number[]>();
  #requests = 0;
  #failed = 0;

  check(promise: string, holds: boolean): void {
    const known = this.#checks.get(promise) ?? { passed: 0, failed: 0 };
    known[holds ? "passed" : "failed"] += 1;
    this.#checks.set(promise, known);
  }

  /** A figure that ends with `_ms` is a time, every other a count. */
  add(figure: string, value: number): void {
    if (!isTime(figure)) this.#counts.set(figure, (this.#counts.get(figure) ?? 0) + value);
    else if (!this.#times.get(figure)?.push(value)) this.#times.set(figure, [value]);
  }

  request(status: number, ms: number): void {
    this.#requests += 1;
    if (status < 200 || status > 499) this.#failed += 1;
    this.add("http_req_duration", ms);
  }

  /** Those thresholds that do not hold, such as `parley_missing: count==0, but 2`. */
  crossed(thresholds: Readonly<Record<string, readonly string[]>>): string[] {
    return Object.entries(thresholds).flatMap(([figure, expressions]) =>
      expressions.flatMap((text) => {
        const [, what = "", rank, relation, bound] = expression.exec(text) ?? [];
        if (bound === undefined) throw new Error(`this is no threshold: ${text}`);
        const measured = this.#measured(figure, what, rank);
        const limit = Number(bound);
        const holds = relation === "==" ? measured === limit : relation === "<" ? measured < limit : measured > limit;
        return holds ? [] : [`${figure}: ${text}, but ${Number.isNaN(measured) ? "nothing was measured" : measured}`];
      }),
    );
  }

  summary(): string {
    const checks = [...this.#checks].map(
      ([promise, { passed, failed }]) =>
        `  ${failed === 0 ? "✓" : "✗"} ${promise}: ${failed === 0 ? passed : `${passed}, and ${failed} times not`}`,
    );
    const counts = [...this.#counts].map(([figure, count]) => `  ${figure}: ${count}`);
    const times = [...this.#times].map(([figure, each]) => {
      const sorted = each.toSorted((a, b) => a - b);
      const told = [0.5, 0.95, 0.99].map((share) => `p(${share * 100})=${percentile(sorted, share).toFixed(0)}`);
      return `  ${figure}: ${told.join(" ")} max=${(sorted.at(-1) ?? 0).toFixed(0)} of ${sorted.length}`;
    });
    const requests = `  http_reqs: ${this.#requests}, ${this.#failed} failed`;
    return [...checks, "", ...counts, ...times, requests].join("\n");
  }

  #measured(figure: string, what: string, rank: string | undefined): number {
    if (figure === "checks") {
      const all = [...this.#checks.values()];
      const failed = all.reduce((sum, check) => sum + check.failed, 0);
      return all.length > 0 && failed === 0
        ? 1
        : 1 -
            failed /
              Math.max(
                1,
                all.reduce((sum, check) => sum + check.passed + check.failed, 0),
              );
    }
    if (figure === "http_req_failed") return this.#failed / Math.max(1, this.#requests);
    if (what === "count") return this.#counts.get(figure) ?? 0;
    const sorted = (this.#times.get(figure) ?? []).toSorted((a, b) => a - b);
    // No threshold holds for what was not measured.
    if (sorted.length === 0) return Number.NaN;
    return what === "max" ? (sorted.at(-1) ?? 0) : percentile(sorted, Number(rank) / 100);
  }
}

function isTime(figure: string): boolean {
  return figure.endsWith("_ms") || figure.endsWith("_duration");
}
