/** Where a command speaks. Whatever it says to people is made harmless first: it may hold what strangers have said. */
import { Writable } from "node:stream";
import { harmless } from "./harmless.ts";

const styles = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** A part of a line. Its text goes to a terminal with nothing in it that a terminal would obey. */
export type Piece = string | { readonly text: string; readonly style: keyof typeof styles };

export function styled(style: keyof typeof styles, text: string): Piece {
  return { text, style };
}

export class Terminal {
  readonly #out: NodeJS.WriteStream;
  readonly #err: NodeJS.WriteStream;
  readonly #mayColour: boolean;
  /** What must not be said, whoever has put it into an error. */
  readonly #withheld: string[] = [];

  constructor(out: NodeJS.WriteStream, err: NodeJS.WriteStream, environment: NodeJS.ProcessEnv) {
    this.#out = out;
    this.#err = err;
    this.#mayColour = (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb";
  }

  /** Somebody watches what goes on, and not a file. */
  get isWatched(): boolean {
    return this.#err.isTTY;
  }

  withhold(secret: string): void {
    this.#withheld.push(secret);
  }

  /** The answer, for people. */
  line(...pieces: readonly Piece[]): void {
    this.#out.write(`${this.#painted(pieces, this.#out)}\n`);
  }

  /** The answer, for machines: one value a line. */
  json(value: unknown): void {
    this.#out.write(`${jsonLine(value)}\n`);
  }

  /** What goes on, what went wrong, and what else is worth knowing. */
  note(...pieces: readonly Piece[]): void {
    this.#err.write(`${this.#clean(this.#painted(pieces, this.#err))}\n`);
  }

  noteJson(value: unknown): void {
    this.#err.write(`${this.#clean(jsonLine(value))}\n`);
  }

  /** In place of the one before it, where somebody watches. */
  progress(text: string): void {
    if (this.isWatched) this.#err.write(`\r\u001b[K${harmless(text)}`);
  }

  /** For lines of JSON as they come: to a terminal the same values, in nothing that it would obey. It is not closed with what is written into it. */
  sink(): Writable {
    const out = this.#out;
    const decoder = new TextDecoder();
    const shown = (chunk: Uint8Array): string =>
      decoder.decode(chunk, { stream: true }).split("\n").map(spelt).join("\n");
    return new Writable({
      write: (chunk: Uint8Array, _encoding, done) => void out.write(out.isTTY ? shown(chunk) : chunk, done),
    });
  }

  #painted(pieces: readonly Piece[], stream: NodeJS.WriteStream): string {
    const colours = this.#mayColour && stream.isTTY;
    return pieces
      .map((piece) => {
        if (typeof piece === "string") return harmless(piece);
        const text = harmless(piece.text);
        return colours ? `\u001b[${styles[piece.style]}m${text}\u001b[0m` : text;
      })
      .join("");
  }

  #clean(text: string): string {
    return this.#withheld.reduce((clean, secret) => clean.replaceAll(secret, "***"), text);
  }
}

/** The same value: what a terminal might obey is spelt out. */
function jsonLine(value: unknown): string {
  return spelt(JSON.stringify(value));
}

function spelt(json: string): string {
  return harmless(json, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
