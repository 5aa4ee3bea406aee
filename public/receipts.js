/** How far everybody has read, and telling how far one has read oneself: at most once a second. No network in here. */
const pauseMs = 1_000;

export class Receipts {
  /** The id of the newest message read, by user. */
  positions = new Map();
  #request;
  #onChange;
  #wanted = 0;
  #sent = 0;
  #timer = null;

  /** `request(frame)` gives a promise that rejects when the server refuses; `onChange()`. */
  constructor({ request, onChange }) {
    this.#request = request;
    this.#onChange = onChange;
  }

  /** With the receipts in `welcome`. */
  open(receipts, user) {
    this.positions = new Map(Object.entries(receipts));
    this.#wanted = 0;
    this.#sent = this.positions.get(user) ?? 0;
  }

  /** Takes a `receipt` frame. Positions only move on. */
  take({ user, upTo }) {
    if (upTo <= (this.positions.get(user) ?? 0)) return;
    this.positions.set(user, upTo);
    this.#onChange();
  }

  tell(upTo) {
    this.#wanted = Math.max(this.#wanted, upTo);
    if (this.#timer === null) this.#tellNow();
  }

  /** The connection is gone. The next welcome says what has become of the last one. */
  close() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#wanted = 0;
  }

  #tellNow() {
    this.#timer = null;
    const upTo = this.#wanted;
    if (upTo <= this.#sent) return;
    this.#sent = upTo;
    this.#timer = setTimeout(() => this.#tellNow(), pauseMs);
    this.#request({ type: "read", upTo }).catch(({ retryable }) => {
      // With the next second, unless the connection was lost or a later one was sent meanwhile.
      if (retryable && this.#sent === upTo) this.#sent = 0;
    });
  }
}
