/** What all readers of a room are told at once, in the form in which each takes it. */
import type { Seat } from "./roster.ts";
import { nobody, type Viewer } from "./viewer.ts";

/**
 * A frame as JSON, the same for everyone; one about who is here, in the two forms that readers may ask for; or one of which a
 * part is hidden, as each viewer sees it.
 */
export type News = string | PresenceNews | { readonly as: (viewer: Viewer) => string | null };
type PresenceNews = { readonly full: string | null; readonly count: string | null };

/** Something in the news is hidden: who said it, and who looks. */
export interface Veil {
  readonly authors: ReadonlySet<string>;
  readonly viewerOf: (seat: Seat) => Viewer;
}

/**
 * One frame as it is, several as a JSON array. Our own Worker is given lines instead: it takes them apart without parsing
 * anything, because JSON holds no line breaks.
 */
export function batch(frames: readonly string[], relayed: boolean): string {
  const [first = "[]"] = frames;
  if (frames.length === 1) return first;
  return relayed ? frames.join("\n") : `[${frames.join(",")}]`;
}

/** Each text is made once, however many sockets it goes to. Where nothing is hidden, all read the same printing. */
export class Edition {
  readonly #news: readonly News[];
  readonly #veil: Veil | null;
  readonly #printings = new Map<string, Printing>();
  readonly #common: Printing;

  constructor(news: readonly News[], veil: Veil | null) {
    this.#news = news;
    this.#veil = veil;
    this.#common = new Printing(news, nobody);
  }

  framesFor(seat: Seat): readonly string[] {
    const { listensTo } = seat.attachment;
    const printing = this.#printingFor(seat);
    return listensTo === null ? printing.framesFor(seat.hears) : printing.framesOf(listensTo);
  }

  /** Null where there is nothing for such a reader. */
  textFor(seat: Seat): string | null {
    if (seat.attachment.listensTo === null) return this.#printingFor(seat).textFor(seat);
    const frames = this.framesFor(seat);
    return frames.length === 0 ? null : batch(frames, seat.attachment.relayed);
  }

  #printingFor(seat: Seat): Printing {
    if (this.#veil === null) return this.#common;
    const viewer = this.#veil.viewerOf(seat);
    const { user, moderates } = viewer;
    if (!moderates && (user === null || !this.#veil.authors.has(user))) return this.#common;
    const name = moderates ? "moderators" : `author ${user}`;
    const printing = this.#printings.get(name) ?? new Printing(this.#news, viewer);
    this.#printings.set(name, printing);
    return printing;
  }
}

class Printing {
  readonly #news: readonly News[];
  readonly #viewer: Viewer;
  readonly #frames = new Map<Seat["hears"], readonly string[]>();
  readonly #arrays = new Map<Seat["hears"], string | null>();
  readonly #lines = new Map<Seat["hears"], string | null>();
  readonly #ofMessages = new Map<number, readonly string[]>();

  constructor(news: readonly News[], viewer: Viewer) {
    this.#news = news;
    this.#viewer = viewer;
  }

  framesFor(hears: Seat["hears"]): readonly string[] {
    const known = this.#frames.get(hears);
    if (known !== undefined) return known;
    const frames = this.#news.flatMap((item) => formFor(hears, this.#viewer, item) ?? []);
    this.#frames.set(hears, frames);
    return frames;
  }

  /** How the text of one message goes on. */
  framesOf(message: number): readonly string[] {
    const known = this.#ofMessages.get(message);
    if (known !== undefined) return known;
    const frames = this.framesFor("none").filter((frame) => isTextOf(message, frame));
    this.#ofMessages.set(message, frames);
    return frames;
  }

  textFor({ hears, attachment: { relayed } }: Seat): string | null {
    const texts = relayed ? this.#lines : this.#arrays;
    const known = texts.get(hears);
    if (known !== undefined) return known;
    const frames = this.framesFor(hears);
    const text = frames.length === 0 ? null : batch(frames, relayed);
    texts.set(hears, text);
    return text;
  }
}

function formFor(hears: Seat["hears"], viewer: Viewer, item: News): string | null {
  if (typeof item === "string") return item;
  if ("as" in item) return item.as(viewer);
  return hears === "none" ? null : item[hears];
}

/** Read without parsing it: both frames begin with their type and the message's id. */
function isTextOf(message: number, frame: string): boolean {
  return (
    frame.startsWith(`{"type":"delta","id":${message},`) || frame.startsWith(`{"type":"snapshot","id":${message},`)
  );
}
