/** The lines of a body as they come, and the hash over them. */
import { exportType } from "../protocol/export.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";

/** One line, without its end, and the JSON value that it holds. */
export interface Line {
  readonly ok: true;
  readonly number: number;
  readonly text: string;
  readonly value: object;
}

/** Holds what has come of one line and what came with its end. The next is read when this was asked for. */
export class Lines {
  /** Why the body cannot be read at all, or null. */
  readonly unfit: Refusal | null;
  /** Of all lines that come from now on, but for the one that came last. */
  digest: Digest | null = null;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | null;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #ready: string[] = [];
  #at = 0;
  #rest = "";
  #isOver = false;
  #number = 0;
  #last = "";

  constructor({ headers, body }: Pick<Request, "headers" | "body">) {
    const [type = ""] = (headers.get("content-type") ?? "").split(";");
    const isLines = type.trim().toLowerCase() === exportType;
    this.unfit = isLines ? null : refuse("bad_request", `Say \`Content-Type: ${exportType}\`.`);
    this.#reader = body?.getReader() ?? null;
  }

  /** Null at the end. An empty line is none. */
  async next(): Promise<Line | Refusal | null> {
    for (;;) {
      const text = this.#ready[this.#at];
      if (text === undefined) {
        if (this.#isOver) return null;
        const refused = await this.#read();
        if (refused !== null) return refused;
        continue;
      }
      this.#at++;
      this.#number++;
      if (text.length > fixedLimits.importLineUnits) return this.#tooLong();
      await this.#note(text);
      if (text !== "" || !this.#isOver || this.#at < this.#ready.length) return this.#parsed(text);
    }
  }

  async #note(text: string): Promise<void> {
    if (this.digest === null) return;
    if (this.#last !== "") await this.digest.add(this.#last);
    this.#last = `${text}\n`;
  }

  async #read(): Promise<Refusal | null> {
    try {
      const { done, value } = (await this.#reader?.read()) ?? { done: true, value: undefined };
      const pieces = (this.#rest + this.#decoder.decode(value, { stream: !done })).split("\n");
      this.#isOver = done;
      this.#rest = done ? "" : (pieces.pop() ?? "");
      this.#ready = pieces;
      this.#at = 0;
    } catch {
      return refuse("bad_request", "The body was cut off, or is not UTF-8.");
    }
    return this.#rest.length > fixedLimits.importLineUnits ? this.#tooLong() : null;
  }

  #parsed(text: string): Line | Refusal {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === "object" && value !== null) return { ok: true, number: this.#number, text, value };
      return refuse("invalid_field", `Line ${this.#number} is no object.`);
    } catch {
      return refuse("bad_request", `Line ${this.#number} is not JSON.`);
    }
  }

  #tooLong(): Refusal {
    return refuse("too_large", `Line ${this.#number}: a line may have ${fixedLimits.importLineUnits} characters.`);
  }
}

/** SHA-256 over what is added, by the platform. */
export class Digest {
  readonly #stream = new crypto.DigestStream("SHA-256");
  readonly #writer = this.#stream.getWriter();
  readonly #encoder = new TextEncoder();

  async add(text: string): Promise<void> {
    await this.#writer.write(this.#encoder.encode(text));
  }

  async hex(): Promise<string> {
    await this.#writer.close();
    const bytes = new Uint8Array(await this.#stream.digest);
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
}
