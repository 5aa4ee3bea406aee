/** What all readers of a room are told at once, in the form in which each takes it. */
import type { Seat } from "./roster.ts";

/** A frame as JSON, the same for everyone; or one about who is here, in the two forms that readers may ask for. */
export type News = string | { readonly full: string | null; readonly count: string | null };

/**
 * One frame as it is, several as a JSON array. Our own Worker is given lines instead: it takes them apart without parsing
 * anything, because JSON holds no line breaks.
 */
export function batch(frames: readonly string[], relayed: boolean): string {
  const [first = "[]"] = frames;
  if (frames.length === 1) return first;
  return relayed ? frames.join("\n") : `[${frames.join(",")}]`;
}

/** Each text is made once, however many sockets it goes to. */
export class Edition {
  readonly #news: readonly News[];
  readonly #frames = new Map<Seat["hears"], readonly string[]>();
  readonly #arrays = new Map<Seat["hears"], string | null>();
  readonly #lines = new Map<Seat["hears"], string | null>();

  constructor(news: readonly News[]) {
    this.#news = news;
  }

  framesFor(hears: Seat["hears"]): readonly string[] {
    const known = this.#frames.get(hears);
    if (known !== undefined) return known;
    const frames = this.#news.flatMap((item) => (typeof item === "string" ? item : (formFor(hears, item) ?? [])));
    this.#frames.set(hears, frames);
    return frames;
  }

  /** Null where there is nothing for such a reader. */
  textFor({ hears, attachment: { relayed } }: Pick<Seat, "hears" | "attachment">): string | null {
    const texts = relayed ? this.#lines : this.#arrays;
    const known = texts.get(hears);
    if (known !== undefined) return known;
    const frames = this.framesFor(hears);
    const text = frames.length === 0 ? null : batch(frames, relayed);
    texts.set(hears, text);
    return text;
  }
}

function formFor(hears: Seat["hears"], item: Exclude<News, string>): string | null {
  return hears === "none" ? null : item[hears];
}
