/** Who is writing just now, and how often the others hear that one is writing oneself. No network in here. */
const repeatMs = 3_000;
/** The server tells of one user's writing at most this often, and drops what comes between. */
const pauseMs = 1_000;

export class Typing {
  /** By user, the timer that lets go of them: what would say that they stopped may get lost. */
  #timers = new Map();
  #told = { active: false, atMs: -Infinity };
  #send;
  #onChange;

  /** `send(frame)`, `onChange()`. */
  constructor({ send, onChange }) {
    this.#send = send;
    this.#onChange = onChange;
  }

  get users() {
    return [...this.#timers.keys()];
  }

  /** Takes a `typing` frame. */
  take({ user, active, expiresInMs }) {
    clearTimeout(this.#timers.get(user));
    if (active)
      this.#timers.set(
        user,
        setTimeout(() => this.stop(user), expiresInMs),
      );
    else this.#timers.delete(user);
    this.#onChange();
  }

  /** Their time is over, or their message is there. */
  stop(user) {
    clearTimeout(this.#timers.get(user));
    if (this.#timers.delete(user)) this.#onChange();
  }

  /** To be called for each key. */
  tell(active) {
    const sinceMs = performance.now() - this.#told.atMs;
    if (!active && !this.#told.active) return;
    if (active && sinceMs < (this.#told.active ? repeatMs : pauseMs)) return;
    this.#told = { active, atMs: active ? performance.now() : this.#told.atMs };
    this.#send({ type: "typing", active });
  }

  /** The connection is gone: nobody hears of anybody. */
  close() {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#told = { active: false, atMs: -Infinity };
  }
}
