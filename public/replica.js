/**
 * What a reader holds of a room, and the rule by which it knows that it missed nothing. No network in here.
 * Older pages and messages that are still being streamed are left out: see "Pages" in the description of the protocol.
 */
export class Replica {
  /** Names the history in which `seq` counts; null before the first frame. */
  epoch = null;
  /** Everything up to this seq is held. */
  cursor = 0;
  /** Every message from this id on is held. */
  start = 1;
  /** The room's own row: its settings, and the lowest id that retention has left. */
  room = { seq: 0, oldest: 1 };
  members = new Map();
  #messages = new Map();

  /** Where to go on after a break; null asks for the newest messages. */
  get position() {
    return this.epoch === null ? null : `${this.epoch}:${this.cursor}`;
  }

  /**
   * Takes a `changes` frame; `welcome` is that of its connection. Gives "hole" when something before it is missing, which
   * leaves everything as it was: connect again with the position. Otherwise "applied", or "known" when it brought nothing new.
   */
  take(frame, welcome) {
    if (frame.reset) this.#startOver(welcome);
    else if (this.epoch === null || frame.from > this.cursor) return "hole";
    else if (frame.to <= this.cursor) return "known";
    for (const change of frame.changes) if (seqOf(change) > this.cursor) this.#apply(change);
    this.cursor = frame.to;
    return "applied";
  }

  /** Messages by id: replay comes in the order of seq, in which an old message that was edited comes late. */
  messages(serverNowMs) {
    for (const [id, { expiresAt }] of this.#messages) {
      if (expiresAt !== null && expiresAt <= serverNowMs) this.#messages.delete(id);
    }
    return [...this.#messages.values()].sort((one, other) => one.id - other.id);
  }

  /** When the next message expires by the server's clock, or null. Nobody tells a reader of it. */
  get nextExpiry() {
    const times = [...this.#messages.values()].map(({ expiresAt }) => expiresAt).filter((time) => time !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  #startOver({ epoch, start, oldest, settings }) {
    this.epoch = epoch;
    this.cursor = 0;
    this.start = start;
    this.room = { ...settings, seq: 0, oldest };
    this.members.clear();
    this.#messages.clear();
  }

  #apply(change) {
    if (change.type === "message") this.#applyMessage(change.message);
    else if (change.type === "member") this.#applyMember(change.member);
    else if (change.type === "room") this.#applyRoom(change.room);
    // A type that came with a later server is no error.
  }

  #applyMessage(message) {
    const held = this.#messages.get(message.id);
    if (held !== undefined) {
      if (message.seq > held.seq) this.#messages.set(message.id, { ...held, ...message });
      return;
    }
    // A patch has only what changed: without the message there is nothing to lay it over.
    const whole = message.createdAt !== undefined;
    if (whole && message.id >= this.start && message.id >= this.room.oldest) this.#messages.set(message.id, message);
  }

  #applyMember(member) {
    if (member.seq > (this.members.get(member.user)?.seq ?? 0)) this.members.set(member.user, member);
  }

  #applyRoom(room) {
    if (room.seq <= this.room.seq) return;
    this.room = room;
    for (const id of this.#messages.keys()) if (id < room.oldest) this.#messages.delete(id);
  }
}

function seqOf({ message, member, room }) {
  return (message ?? member ?? room)?.seq ?? 0;
}
