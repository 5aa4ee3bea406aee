/** Who is writing just now: what is heard expires by itself, and what is said is said no more often than it must be. */

/** The room lets a typing user go after 8 s, so who goes on writing says it again before. */
const repeatMs = 5_000;

export class Typing {
  /** By user, when each expires. */
  readonly users = new Map<string, number>();
  #saidAtMs = -Infinity;

  hear({ user, active, expiresInMs }: { user: string; active: boolean; expiresInMs: number }, nowMs: number): void {
    if (active) this.users.set(user, nowMs + expiresInMs);
    else this.users.delete(user);
  }

  /** Of whom a message has come, or whose time is over. */
  forget(user: string): void {
    this.users.delete(user);
  }

  expire(nowMs: number): void {
    for (const [user, atMs] of this.users) if (atMs <= nowMs) this.users.delete(user);
  }

  /** When the next one expires. */
  get nextMs(): number {
    return Math.min(Infinity, ...this.users.values());
  }

  /** Whether it is worth saying. */
  say(active: boolean, nowMs: number): boolean {
    const isTold = nowMs - this.#saidAtMs < repeatMs;
    this.#saidAtMs = active ? (isTold ? this.#saidAtMs : nowMs) : -Infinity;
    return active !== isTold;
  }

  clear(): void {
    this.users.clear();
    this.#saidAtMs = -Infinity;
  }
}
