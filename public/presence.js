/**
 * Who is here, as one connection after the other is told: a snapshot, changes laid over it, and pages where some were missed.
 * No network in here.
 */
const pageSize = 100;
/** Of more nobody reads the list: some and the count are enough. */
const listedMax = 1_000;

export class Presence {
  /** By user: `{user, name, state, connections}`. */
  members = new Map();
  /** Of everybody, also where `members` are only some; null before it is known. */
  count = null;
  #listed;
  #ask;
  #onChange;
  #version = 0;
  /** `members` are a sample of a crowd. */
  #sampled = false;
  /** What was told since pages are being read; null while none are. */
  #heard = null;

  /** `listed`: told of everyone, not of their number only. `ask({after, limit})` gives a promise of a page; `onChange()`. */
  constructor({ listed, ask, onChange }) {
    this.#listed = listed;
    this.#ask = ask;
    this.#onChange = onChange;
  }

  /** With what `welcome` says; undefined where the connection is told nothing. */
  open(snapshot) {
    this.close();
    this.#sampled = false;
    if (snapshot === undefined) return;
    this.#lay(snapshot);
    if (snapshot.more && this.#isListable(snapshot.count)) void this.#read();
  }

  /** The connection is gone. What is held stays as it was. */
  close() {
    this.#heard = null;
  }

  /** Takes a `presence` frame. */
  take(frame) {
    this.count = frame.count;
    if (frame.sample !== undefined) this.#laySample(frame);
    else if (this.#heard !== null) this.#heard.push(frame);
    else if ((this.#sampled || this.#isHole(frame)) && this.#isListable(frame.count)) void this.#read();
    else this.#apply(frame);
    this.#onChange();
  }

  #isListable(count) {
    return this.#listed && count <= listedMax;
  }

  /** The version counts frames in which somebody comes or goes; one of `updated` alone keeps it. */
  #isHole({ version, joined, left }) {
    const moves = joined.length + left.length > 0;
    return version > this.#version + (moves ? 1 : 0);
  }

  #apply({ version, joined, updated, left }) {
    // A snapshot may be newer than what is told right after it.
    if (version > this.#version) {
      for (const member of joined) this.members.set(member.user, member);
      for (const user of left) this.members.delete(user);
      this.#version = version;
    }
    for (const member of updated) if (this.members.has(member.user)) this.members.set(member.user, member);
  }

  #lay({ version, count, members }) {
    this.#version = version;
    this.count = count;
    this.members = new Map(members.map((member) => [member.user, member]));
  }

  /** Of a crowd. With the first frame without a sample the list is read again. */
  #laySample({ version, count, sample }) {
    this.#heard = null;
    this.#sampled = true;
    this.#lay({ version, count, members: sample });
  }

  async #read() {
    const heard = (this.#heard = []);
    const members = [];
    let first, page;
    try {
      do {
        page = await this.#ask({ after: page?.next, limit: pageSize });
        // Another connection, or a crowd, has overtaken it.
        if (this.#heard !== heard) return;
        first ??= page;
        members.push(...page.members);
      } while (page.next !== undefined && members.length < listedMax);
    } catch {
      // Refused: the next frame finds a hole and asks again. Where the connection went, the next welcome says it all.
      if (this.#heard !== heard) return;
      this.#heard = null;
      this.#version = -Infinity;
      return;
    }
    // Later pages may know more than the first one; what is told since then, in its order, makes them all as of now.
    this.#heard = null;
    this.#sampled = false;
    this.#lay({ version: first.version, count: page.count, members });
    for (const frame of heard) this.take(frame);
    this.#onChange();
  }
}
