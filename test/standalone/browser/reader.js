/**
 * Pages that read rooms with nothing but what a browser has, in the way that the protocol tells them to. Each keeps what it
 * holds, and remembers all that it was told on the way.
 */

const pauseMsMax = 500;
/** Far below what a server asks for: a test does not wait for half a minute until a silence is noticed. */
const pingMs = 1_000;
const answerMs = 2_000;

/** What a page holds of a room, by the reader's rule. */
class Holding {
  /** Each message's id as often as it came, in that order. */
  told = [];
  /** Each message's id as often as it was inserted, in that order. */
  inserted = [];
  gaps = [];
  resets = 0;
  holes = 0;
  seq = 0;
  /** Told not to come back to it. */
  isOver = false;
  #epoch = null;
  #start = 1;
  #seqOf = new Map();
  #welcome = null;

  /** Null asks for the newest messages. */
  get cursor() {
    return this.#epoch === null ? null : `${this.#epoch}:${this.seq}`;
  }

  welcome(frame) {
    this.#welcome = frame;
    if (frame.gap !== undefined) this.gaps.push(frame.gap.reason);
  }

  /** False when something before it is missing: come back with the cursor. */
  take({ from, to, changes, reset }) {
    const messages = changes.filter(({ type }) => type === "message").map(({ message }) => message);
    this.told.push(...messages.map(({ id }) => id));
    if (reset) this.#startOver();
    else if (this.#epoch === null || from > this.seq) {
      this.holes += 1;
      return false;
    }
    for (const message of messages) if (message.seq > this.seq) this.#merge(message);
    this.seq = Math.max(this.seq, to);
    return true;
  }

  report() {
    const { told, inserted, gaps, resets, holes, seq, isOver } = this;
    return { told, inserted, gaps, resets, holes, seq, isOver };
  }

  #startOver() {
    this.resets += 1;
    this.#epoch = this.#welcome.epoch;
    this.#start = this.#welcome.start;
    this.seq = 0;
    this.#seqOf.clear();
  }

  /** A patch has only what changed: of a message that is not held it is of no use. */
  #merge({ id, seq, createdAt }) {
    const isHeld = this.#seqOf.has(id);
    if (!isHeld && (createdAt === undefined || id < this.#start)) return;
    if (!isHeld) this.inserted.push(id);
    this.#seqOf.set(id, Math.max(seq, this.#seqOf.get(id) ?? 0));
  }
}

/** What both kinds of reader have: their rooms, and when they come back. */
class Reader {
  /** How often a connection was open. */
  opened = 0;
  options;
  #holdings;

  /** With `many` it is a connection of many rooms, also where it is one room only. */
  constructor({ server = location.origin, rooms, many = false, token }) {
    this.options = { server, rooms, many, token };
    this.#holdings = new Map(rooms.map((room) => [room, new Holding()]));
  }

  /** Of a frame's room. Only frames of a connection of many rooms name theirs. */
  holding(room = this.options.rooms[0]) {
    return this.#holdings.get(room);
  }

  /** Nobody is left to come back for. */
  get isOver() {
    return [...this.#holdings.values()].every(({ isOver }) => isOver);
  }

  /** Must not come back to this room, or with undefined to any. */
  leave(room) {
    for (const [name, holding] of this.#holdings) holding.isOver ||= room === undefined || room === name;
  }

  report() {
    const rooms = Object.fromEntries([...this.#holdings].map(([room, holding]) => [room, holding.report()]));
    return { rooms, opened: this.opened, isOver: this.isOver };
  }

  /** Not all at once. */
  later(act) {
    if (!this.isOver) setTimeout(() => act(), Math.random() * pauseMsMax);
  }
}

/** Reads by EventSource, which cannot send a token: each stream is opened with a ticket that is good for one. */
class EventReader extends Reader {
  tickets = 0;
  /** The `readyState` at each `error` event. */
  errors = [];
  /** Rooms among many that did not let it in, and why. */
  refusals = [];
  #source = null;
  #lastEventId = "";

  async open() {
    const ticket = await this.#newTicket().catch(() => null);
    if (ticket === null) this.later(() => this.open());
    else this.openWith(ticket);
  }

  openWith(ticket) {
    this.#source?.close();
    const { server, rooms, many } = this.options;
    const query = new URLSearchParams({ ticket });
    if (many) query.set("rooms", rooms.join(","));
    if (this.#lastEventId !== "") query.set("cursor", this.#lastEventId);
    const source = new EventSource(`${server}${many ? "/v1/events" : `/v1/rooms/${rooms[0]}/events`}?${query}`);
    this.#source = source;
    const on = (type, take) => source.addEventListener(type, (event) => take(JSON.parse(event.data), event));
    on("welcome", (frame) => this.holding(frame.room).welcome(frame));
    on("changes", (frame, { lastEventId }) => {
      if (this.holding(frame.room).take(frame)) this.#lastEventId = lastEventId;
      else this.#comeBack();
    });
    on("closing", ({ room, reconnect }) => {
      if (reconnect === "never") this.leave(room);
      if (this.isOver) source.close();
    });
    on("refused", ({ room, code }) => this.refusals.push([room, code]));
    source.addEventListener("open", () => (this.opened += 1));
    source.addEventListener("error", () => {
      this.errors.push(source.readyState);
      // Until then it comes back by itself, and is sent away because its ticket is used.
      if (source.readyState === EventSource.CLOSED) this.#comeBack();
    });
  }

  report() {
    return { ...super.report(), tickets: this.tickets, errors: this.errors, refusals: this.refusals };
  }

  #comeBack() {
    this.#source.close();
    this.later(() => this.open());
  }

  async #newTicket() {
    const { server, rooms, many, token } = this.options;
    const response = await fetch(`${server}/v1/tickets`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify(many ? {} : { room: rooms[0] }),
      signal: AbortSignal.timeout(answerMs),
    });
    if (!response.ok) throw new Error(`no ticket: ${response.status}`);
    this.tickets += 1;
    return (await response.json()).ticket;
  }
}

/** Reads by WebSocket, which cannot send headers either: the token is a second subprotocol. */
class SocketReader extends Reader {
  /** The code of each end. */
  closes = [];
  errors = [];
  /** How often nothing was heard for too long. */
  silences = 0;
  #socket = null;
  #deadline;
  #nextPing;

  open() {
    const { server, rooms, many, token } = this.options;
    const cursor = many ? null : this.holding().cursor;
    const path = many ? "/v1/socket" : `/v1/rooms/${rooms[0]}/socket`;
    const query = cursor === null ? "" : `?${new URLSearchParams({ cursor })}`;
    const socket = new WebSocket(`${server.replace("http", "ws")}${path}${query}`, ["parley.v1", `bearer.${token}`]);
    this.#socket = socket;
    // Of a connection that was given up, what still comes is of no interest.
    const on = (type, act) => socket.addEventListener(type, (event) => this.#socket === socket && act(event));
    on("open", () => {
      this.opened += 1;
      this.#ping();
      if (many) for (const room of rooms.filter((name) => !this.holding(name).isOver)) this.#join(room);
    });
    on("message", ({ data }) => {
      // Its end may come in the midst of a batch.
      for (const frame of [JSON.parse(data)].flat()) if (this.#socket === socket) this.#take(frame);
    });
    on("close", ({ code }) => this.#end(code));
    this.#expectAnswer();
  }

  say(text) {
    this.#socket.send(text);
  }

  report() {
    return { ...super.report(), closes: this.closes, errors: this.errors, silences: this.silences };
  }

  #take(frame) {
    switch (frame.type) {
      case "welcome":
        return this.holding(frame.room).welcome(frame);
      case "changes":
        return this.holding(frame.room).take(frame) || this.#end(1006);
      case "closing":
        return this.#farewell(frame);
      case "error":
        return this.errors.push(frame.code);
      case "pong":
        return this.#answered();
    }
  }

  /** Of one room among many, or of the connection. */
  #farewell({ room, code, reconnect }) {
    if (room === undefined) return this.#end(code);
    if (reconnect === "never") this.leave(room);
    else this.#join(room);
  }

  #join(room) {
    const { cursor } = this.holding(room);
    this.#socket.send(JSON.stringify({ type: "join", room, ...(cursor !== null && { cursor }) }));
  }

  /** Once, whoever ended it. */
  #end(code) {
    clearTimeout(this.#deadline);
    clearTimeout(this.#nextPing);
    this.#socket.close();
    this.#socket = null;
    this.closes.push(code);
    if (code >= 4500 && code <= 4599) this.leave();
    this.later(() => this.open());
  }

  #ping() {
    this.#socket.send('{"type":"ping"}');
    this.#expectAnswer();
  }

  #answered() {
    clearTimeout(this.#deadline);
    clearTimeout(this.#nextPing);
    this.#nextPing = setTimeout(() => this.#ping(), pingMs);
  }

  #expectAnswer() {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      this.silences += 1;
      this.#end(1006);
    }, answerMs);
  }
}

globalThis.readers = { events: EventReader, socket: SocketReader };
