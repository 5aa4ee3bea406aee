/**
 * A small client of `parley.v1`: one room, over one WebSocket at a time. It comes back by itself, misses nothing and sends
 * nothing twice. Copy it: it needs `connection.js`, `outbox.js`, `replica.js`, `presence.js`, `typing.js` and `receipts.js`,
 * nothing else.
 */
import { Connection } from "./connection.js";
import { Outbox } from "./outbox.js";
import { Presence } from "./presence.js";
import { Receipts } from "./receipts.js";
import { Replica } from "./replica.js";
import { Typing } from "./typing.js";

const backoffMsMax = 30_000;
/** A connection that lasted this long was a good one: the next loss is a new story. */
const steadyMs = 10_000;

/**
 * Events: `change` (of anything that can be asked for here), `caughtup` (`{resumed, gap, missed}` in detail),
 * `wire` (`{direction, text}`).
 * States: `cut`, `connecting`, `catching-up`, `live`, `waiting` (with `untilMs`), `stopped` (for good, with `code`).
 */
export class Room extends EventTarget {
  state = { name: "cut" };
  /** Of the present or last connection; null before the first. */
  welcome = null;
  #options;
  #replica = new Replica();
  #connection = null;
  #outbox = new Outbox({
    send: (frame) => this.#connection.send(frame),
    onSilence: () => this.#connection.end({ code: 1006, reason: "A message was not acked." }),
    onChange: () => this.#changed(),
  });
  #presence;
  #typing = new Typing({ send: (frame) => this.#connection.send(frame), onChange: () => this.#changed() });
  #receipts = new Receipts({ request: (frame) => this.#request(frame), onChange: () => this.#changed() });
  /** Which attempt to connect is the valid one: what a given-up attempt was waiting for may still arrive. */
  #attempt = 0;
  #failures = 0;
  #renewToken = false;
  /** The cursor when it was last live: what came after it was missed. */
  #leftAt = 0;
  #requests = new Map();
  #refs = 0;
  #clockOffsetMs = 0;
  #reopen;
  #steady;
  #expiry;

  /**
   * `presence`: `full` tells who is here, `count` how many, `none` nothing; the token needs the capability `presence`.
   * `token({renew})` gives a token, or throws an Error whose `retryable: false` says that asking again is useless.
   */
  constructor({ server = location.origin, name, token, backlog = 50, presence = "none" }) {
    super();
    this.#options = { server, name, token, backlog, presence };
    this.#presence = new Presence({
      listed: presence === "full",
      ask: (bounds) => this.#ask({ type: "presence.get", ...bounds }),
      onChange: () => this.#changed(),
    });
  }

  get position() {
    return this.#replica.position;
  }

  get user() {
    return this.welcome?.user?.id ?? null;
  }

  get messages() {
    return this.#replica.messages(Date.now() + this.#clockOffsetMs);
  }

  /** What was published and is not yet among the messages; see Outbox. */
  get unsettled() {
    return this.#outbox.items;
  }

  /** `{count, members}`: who is here as of now or, without a connection, of its end. Of a crowd the members are only some. */
  get presence() {
    return { count: this.#presence.count, members: [...this.#presence.members.values()] };
  }

  /** Other users who are writing just now. */
  get typists() {
    return this.#typing.users.filter((user) => user !== this.user);
  }

  /** The id of the newest message read, by user: one's own, and the newest of others. */
  get receipts() {
    return this.#receipts.positions;
  }

  /** As far as it is known here; otherwise the id. */
  nameOf(user) {
    const said = () => this.messages.findLast(({ sender }) => sender?.id === user)?.sender;
    return this.#presence.members.get(user)?.name ?? said()?.name ?? user;
  }

  /** How long the message with this nonce took to be stored, in ms, if this client published it. */
  tookMs(nonce) {
    return this.#outbox.took.get(nonce);
  }

  /** At once, also where it would have waited. */
  connect() {
    if (this.#connection === null && this.state.name !== "connecting") void this.#open();
  }

  /** Stays away until `connect()`. What is published meanwhile waits in the outbox. */
  cut() {
    this.#leave();
    this.#become({ name: "cut" });
  }

  /** Never fails: the message is in `unsettled` until it is among the messages, or refused. */
  publish(text) {
    this.#typing.tell(false);
    this.#outbox.add(text);
  }

  /** To be called for each key, `false` when nothing is written any more. What goes out of it is seldom. */
  typing(active) {
    if (this.state.name === "live") this.#typing.tell(active);
  }

  /** To be called as often as one likes: the server is told of news only. Does nothing while there is no connection. */
  read(upTo) {
    if (this.state.name === "live") this.#receipts.tell(upTo);
  }

  /** Takes a refused message out of `unsettled`. */
  discard(nonce) {
    this.#outbox.discard(nonce);
  }

  /** `ifVersion` lets it fail with `conflict` when somebody was faster. */
  edit(id, text, ifVersion) {
    return this.#request({ type: "edit", id, text, ifVersion });
  }

  remove(id) {
    return this.#request({ type: "delete", id });
  }

  react(id, emoji, remove = false) {
    return this.#request({ type: "react", id, emoji, remove });
  }

  async #open() {
    this.#leave();
    const attempt = this.#attempt;
    this.#become({ name: "connecting" });
    try {
      const token = await this.#options.token({ renew: this.#renewToken });
      if (attempt !== this.#attempt) return;
      this.#renewToken = false;
      this.#connection = new Connection({
        url: this.#url(),
        token,
        onFrame: (frame) => this.#receive(frame),
        onEnd: (ending) => attempt === this.#attempt && this.#lost(ending),
        onWire: (direction, text) => this.#tell("wire", { direction, text }),
      });
    } catch (error) {
      if (attempt !== this.#attempt) return;
      if (error.retryable === false) this.#become({ name: "stopped", reason: error.message });
      else this.#lost({ code: 1006, reason: error.message, retryAfterMs: error.retryAfterMs });
    }
  }

  #url() {
    const { server, name, backlog, presence } = this.#options;
    const url = new URL(`/v1/rooms/${encodeURIComponent(name)}/socket`, server);
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("presence", presence);
    url.searchParams.set("backlog", backlog);
    if (this.position !== null) url.searchParams.set("cursor", this.position);
    return url;
  }

  /** Gives up the connection, or the attempt to have one. */
  #leave() {
    this.#attempt += 1;
    if (this.state.name === "live") this.#leftAt = this.#replica.cursor;
    clearTimeout(this.#reopen);
    clearTimeout(this.#steady);
    this.#outbox.close();
    this.#presence.close();
    this.#typing.close();
    this.#receipts.close();
    this.#connection?.end({ code: 1000, reason: "" });
    this.#connection = null;
    for (const { reject } of this.#requests.values())
      reject(new Error("The connection was lost before the answer came."));
    this.#requests.clear();
  }

  #lost({ code, reason, reconnect, retryAfterMs = 0 }) {
    this.#leave();
    // The range of a close code is the instruction: on 4500 to 4599 do not come back, on everything else do.
    if (code >= 4500 && code <= 4599) return this.#become({ name: "stopped", code, reason });
    if (code === 4401) this.#renewToken = true;
    if (reconnect === "backoff") this.#failures = Math.max(this.#failures, 1);
    const pauseMs = Math.max(retryAfterMs, pause(this.#failures, this.welcome?.reconnectJitterMs ?? 2_000));
    this.#failures += 1;
    this.#reopen = setTimeout(() => this.#open(), pauseMs);
    this.#become({ name: "waiting", code, reason, untilMs: Date.now() + pauseMs });
  }

  #receive(frame) {
    switch (frame.type) {
      case "welcome":
        return this.#greeted(frame);
      case "changes":
        return this.#apply(frame);
      case "ack":
        return this.#acked(frame);
      case "error":
        return this.#refused(frame);
      case "presence":
        return this.#presence.take(frame);
      case "presence.page":
        return this.#answer(frame.ref, ({ resolve }) => resolve(frame));
      case "typing":
        return this.#typing.take(frame);
      case "receipt":
        return this.#receipts.take(frame);
      // Whatever else a server says is for clients that know it.
    }
  }

  #greeted(welcome) {
    this.welcome = welcome;
    this.#connection.pingMs = welcome.pingMs;
    this.#clockOffsetMs = welcome.serverTime - Date.now();
    this.#presence.open(welcome.presence);
    this.#receipts.open(welcome.receipts, this.user);
    this.#become({ name: "catching-up" });
    // Who starts over is not there before the reset frame came, however empty it is.
    if (welcome.resumed) this.#checkWhetherCaughtUp();
  }

  #apply(frame) {
    const outcome = this.#replica.take(frame, this.welcome);
    if (outcome === "hole") return this.#connection.end({ code: 4410, reason: "Something was missing." });
    if (outcome === "known") return;
    // Who has just said it is not writing it any more.
    for (const { message } of frame.changes)
      if (message?.sender && message.id === message.seq) this.#typing.stop(message.sender.id);
    this.#settleOutbox();
    this.#watchExpiry();
    this.#changed();
    this.#checkWhetherCaughtUp();
  }

  #checkWhetherCaughtUp() {
    const { head, resumed, gap } = this.welcome;
    if (this.state.name !== "catching-up" || this.#replica.cursor < head) return;
    this.#steady = setTimeout(() => (this.#failures = 0), steadyMs);
    this.#become({ name: "live" });
    this.#tell("caughtup", { resumed, gap: gap?.reason ?? null, missed: head - this.#leftAt });
    // What was stored although its ack got lost has come back as a change, and need not be sent again.
    this.#settleOutbox();
    this.#outbox.open();
  }

  #acked(frame) {
    if (!this.#outbox.acked(frame)) return this.#answer(frame.ref, ({ resolve }) => resolve());
    this.#settleOutbox();
    this.#changed();
  }

  #refused(frame) {
    if (this.#outbox.refused(frame)) return this.#changed();
    this.#answer(frame.ref, ({ reject }) => reject(refusalOf(frame)));
  }

  #settleOutbox() {
    if (this.#outbox.items.length === 0) return;
    const own = this.messages.filter(({ sender }) => sender?.id === this.user).map(({ nonce }) => nonce);
    const seen = new Set(own);
    this.#outbox.settle((nonce) => seen.has(nonce), this.#replica.cursor);
  }

  #watchExpiry() {
    clearTimeout(this.#expiry);
    const next = this.#replica.nextExpiry;
    if (next === null) return;
    const waitMs = Math.max(0, next - Date.now() - this.#clockOffsetMs) + 1;
    // A browser takes a wait of more than 24.8 days for none at all.
    this.#expiry = setTimeout(() => (this.#changed(), this.#watchExpiry()), Math.min(waitMs, 2 ** 31 - 1));
  }

  /** Edits, deletions and reactions do not wait for a connection: whoever asked sees that it failed, and asks again. */
  #request(frame) {
    if (this.state.name !== "live") return Promise.reject(new Error("There is no connection at the moment."));
    return this.#ask(frame);
  }

  /** Gives a promise of the frame that answers, where it says more than that it was done. */
  #ask(frame) {
    const ref = `r${++this.#refs}`;
    const { promise, ...request } = Promise.withResolvers();
    this.#requests.set(ref, request);
    this.#connection.send({ ...frame, ref });
    return promise;
  }

  #answer(ref, how) {
    const request = this.#requests.get(ref);
    this.#requests.delete(ref);
    if (request !== undefined) how(request);
  }

  #become(state) {
    this.state = state;
    this.#changed();
  }

  #changed() {
    this.#tell("change");
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function refusalOf({ message, code, retryable }) {
  return Object.assign(new Error(message), { code, retryable });
}

/** Random, so that a thousand clients of a restarted server do not come back in one instant. */
function pause(failures, jitterMs) {
  if (failures === 0) return Math.random() * jitterMs;
  const mostMs = Math.min(backoffMsMax, 1_000 * 2 ** failures);
  return mostMs / 2 + (Math.random() * mostMs) / 2;
}
