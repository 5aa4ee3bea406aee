/**
 * What was published and is not yet seen in the room, oldest first. Nothing in here gets lost or is stored twice: each
 * message is sent again, on the next connection too, until the server says that it is stored or why it never will be.
 */
const ackMs = 10_000;
const retryMs = 2_000;

export class Outbox {
  /** `{nonce, text, state, reason}`; states: `waiting`, `sending`, `stored` (acked, not yet seen), `refused`. */
  items = [];
  /** How long the ack of a nonce took, in ms. */
  took = new Map();
  #events;
  #open = false;
  #ackTimer;
  #retryTimer;

  /** `send(frame)`; `onSilence()` when a message was not acked in time; `onChange()`. */
  constructor(events) {
    this.#events = events;
  }

  add(text) {
    // The server stores a nonce once, so a message can be repeated without harm. It serves as `ref` too.
    this.items.push({ nonce: newNonce(), text, state: "waiting", reason: null });
    this.#events.onChange();
    this.#sendNext();
  }

  discard(nonce) {
    this.items = this.items.filter((item) => item.nonce !== nonce);
    this.#events.onChange();
  }

  /** The connection is there and caught up. */
  open() {
    this.#open = true;
    this.#sendNext();
  }

  /** The connection is gone. What had no ack is perhaps stored, perhaps not: the same nonce again settles it. */
  close() {
    this.#open = false;
    clearTimeout(this.#ackTimer);
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    for (const item of this.items) if (item.state === "sending") item.state = "waiting";
  }

  /** Gives whether the answer was to a message in here. */
  acked({ ref, id, seq = id }) {
    const item = this.#find(ref);
    if (item === undefined) return false;
    clearTimeout(this.#ackTimer);
    this.took.set(ref, performance.now() - item.sentMs);
    Object.assign(item, { state: "stored", seq, reason: null });
    this.#sendNext();
    return true;
  }

  /** Gives whether the refusal was of a message in here. */
  refused({ ref, message, retryable, retryAfterMs = retryMs }) {
    const item = this.#find(ref);
    if (item === undefined) return false;
    clearTimeout(this.#ackTimer);
    Object.assign(item, { state: retryable ? "waiting" : "refused", reason: message });
    if (retryable) this.#pause(retryAfterMs);
    else this.#sendNext();
    return true;
  }

  /** Drops what is seen in the room. What is acked stays until then, what is seen before its ack until that. */
  settle(isSeen, cursor) {
    this.items = this.items.filter(({ nonce, state, seq }) => {
      if (state === "sending") return true;
      return !isSeen(nonce) && !(state === "stored" && seq <= cursor);
    });
  }

  #find(ref) {
    return this.items.find(({ nonce }) => nonce === ref);
  }

  /** One at a time: a message that has to wait for the rate's sake must not be overtaken by the next one. */
  #sendNext() {
    const next = this.items.find(({ state }) => state === "waiting" || state === "sending");
    if (!this.#open || next === undefined || next.state === "sending" || this.#retryTimer !== undefined) return;
    Object.assign(next, { state: "sending", sentMs: performance.now() });
    this.#ackTimer = setTimeout(() => this.#events.onSilence(), ackMs);
    this.#events.send({ type: "publish", ref: next.nonce, nonce: next.nonce, text: next.text });
    this.#events.onChange();
  }

  #pause(waitMs) {
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      this.#sendNext();
    }, waitMs);
  }
}

/** 32 characters: as a `ref` it may not have more. `randomUUID` is missing on pages served over plain http. */
function newNonce() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
