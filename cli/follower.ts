/** What of a room is new to who follows it: each message once, and each later change of one that is still held. */
import type { Message } from "../src/protocol/message.ts";
import type { RoomSnapshot } from "../src/client/client.ts";

export interface News {
  readonly message: Message;
  /** As it was told before; null where it is new. */
  readonly before: Message | null;
}

export class Follower {
  readonly #onNews: (news: News) => void;
  /** Those that are held, as they were told. */
  #told = new Map<number, Message>();
  #newest = 0;
  /** That came since: more of them than are held may have come at once. */
  #fresh: Message[] = [];

  constructor(onNews: (news: News) => void) {
    this.#onNews = onNews;
  }

  get newest(): number {
    return this.#newest;
  }

  take(message: Message): void {
    this.#fresh.push(message);
  }

  /** The history is another: its ids begin anew. */
  forget(): void {
    this.#told.clear();
    this.#fresh = [];
    this.#newest = 0;
  }

  /** In the order of the changes. Only what is whole: until then the same may be told otherwise. */
  look({ status, messages }: Pick<RoomSnapshot, "status" | "messages">): void {
    if (status !== "live") return;
    const held = new Map(messages.map((message) => [message.id, message]));
    const passed = this.#fresh.filter(({ id }) => !held.has(id));
    this.#fresh = [];
    const news = [...passed, ...messages].filter((message) => this.#isNews(message)).sort((a, b) => a.seq - b.seq);
    const told = this.#told;
    this.#told = held;
    for (const message of news) {
      this.#newest = Math.max(this.#newest, message.id);
      this.#onNews({ message, before: told.get(message.id) ?? null });
    }
  }

  #isNews({ id, seq }: Message): boolean {
    const before = this.#told.get(id);
    return before === undefined ? id > this.#newest : before.seq !== seq;
  }
}
