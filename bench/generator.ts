/** The runner's hold on a generator process: give it a job, hear whether it is ready, take its result, end it. */
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { startGroup, stopGroup } from "./groups.ts";
import { type Job, Report, type Word } from "./jobs.ts";

const script = join(import.meta.dirname, "load.ts");

export class Generator {
  readonly #child: ChildProcess;
  readonly #withinMs: number;
  #waiting: ((report: Report) => void) | undefined;
  /** Reports that came while nobody waited for one. */
  readonly #early: Report[] = [];

  constructor(job: Job, withinMs: number) {
    this.#withinMs = withinMs;
    this.#child = startGroup(process.execPath, [script], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child.on("message", (raw) => this.#hear(Report.parse(raw)));
    this.#child.on("exit", (code, signal) =>
      this.#hear({ kind: "failure", message: `the generator ended with ${code ?? signal}` }),
    );
    this.#child.send(job);
  }

  async ready(): Promise<void> {
    const report = await this.#next();
    if (report.kind !== "ready") throw new Error(`expected ready, heard ${report.kind}`);
  }

  async result(): Promise<unknown> {
    const report = await this.#next();
    if (report.kind !== "result") throw new Error(`expected a result, heard ${report.kind}`);
    return report.result;
  }

  say(word: Word): void {
    this.#child.send(word);
  }

  end(): Promise<void> {
    return stopGroup(this.#child);
  }

  async #next(): Promise<Report> {
    const report = this.#early.shift() ?? (await this.#heard());
    if (report.kind === "failure") throw new Error(report.message);
    return report;
  }

  #heard(): Promise<Report> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(
        () => reject(new Error(`the generator was silent for ${this.#withinMs} ms`)),
        this.#withinMs,
      );
      this.#waiting = (report) => {
        clearTimeout(limit);
        this.#waiting = undefined;
        resolve(report);
      };
    });
  }

  #hear(report: Report): void {
    if (this.#waiting === undefined) this.#early.push(report);
    else this.#waiting(report);
  }
}
