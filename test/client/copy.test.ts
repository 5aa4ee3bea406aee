/** The reader's rule as the client keeps it, against random rooms: and what each part of it is for. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "esbuild";
import { expect, test } from "vitest";
import { Copy } from "../../src/client/copy.ts";
import type { Member, Message } from "../../src/protocol/message.ts";
import type { Page, ServerFrame } from "../../src/protocol/serverFrames.ts";
import { message } from "./script.ts";

const programs = 1_500;
const steps = 60;
const settings = { frozen: false, slowModeMs: 0, access: "open", retentionDays: null, retentionMessages: null };

/** A room as the protocol describes one: rows, each with the seq of its last change. */
class Model {
  epoch = "epoch-00";
  head = 0;
  oldest = 1;
  frozen = false;
  frozenSeq = 0;
  readonly messages = new Map<number, Message>();
  readonly members = new Map<string, Member>();

  publish(): object {
    const seq = ++this.head;
    this.messages.set(seq, message(seq) as Message);
    return { type: "message", message: this.messages.get(seq) };
  }

  edit(id: number): object {
    const seq = ++this.head;
    const patch = { id, seq, text: `edited at ${seq}` };
    this.messages.set(id, { ...this.messages.get(id), ...patch } as Message);
    return { type: "message", message: patch };
  }

  admit(user: string): object {
    const member: Member = { user, name: null, role: this.head % 3 === 0 ? null : "member", seq: ++this.head };
    this.members.set(user, member);
    return { type: "member", member };
  }

  retain(upTo: number): object {
    this.oldest = Math.max(this.oldest, upTo);
    for (const id of this.messages.keys()) if (id < this.oldest) this.messages.delete(id);
    this.frozen = !this.frozen;
    this.frozenSeq = ++this.head;
    return { type: "room", room: this.row };
  }

  get row(): object {
    return { ...settings, frozen: this.frozen, seq: this.frozenSeq, oldest: this.oldest };
  }

  /** Another history: of what was, a part is there, and counted from elsewhere. */
  restore(to: number): void {
    this.epoch = `epoch-${String(Number(this.epoch.slice(6)) + 1).padStart(2, "0")}`;
    this.head = to;
    this.oldest = Math.min(this.oldest, to + 1);
    for (const rows of [this.messages, this.members] as Map<unknown, { seq: number }>[])
      for (const [key, { seq }] of rows) if (seq > to) rows.delete(key);
    if (this.frozenSeq > to) this.frozenSeq = 0;
  }

  /** What a reader with this cursor is sent. */
  enter(cursor: string | null, backlog: number): ServerFrame[] {
    const [epoch, seq = "0"] = (cursor ?? "").split(":");
    const resumed = epoch === this.epoch && Number(seq) <= this.head;
    const from = resumed ? Number(seq) : 0;
    const newest = [...this.messages.keys()].sort((one, other) => one - other).slice(-backlog);
    const start = resumed ? null : (newest[0] ?? this.head + 1);
    const isTold = (row: { seq: number; id?: number }): boolean =>
      row.seq > from && (resumed || row.id === undefined || row.id >= (start ?? 0));
    const changes = [
      ...[...this.messages.values()].filter(isTold).map((row) => ({ type: "message", seq: row.seq, message: row })),
      ...[...this.members.values()].filter(isTold).map((row) => ({ type: "member", seq: row.seq, member: row })),
      ...(this.frozenSeq > from ? [{ type: "room", seq: this.frozenSeq, room: this.row }] : []),
    ].sort((one, other) => one.seq - other.seq);
    const about = { epoch: this.epoch, head: this.head, oldest: this.oldest, start, resumed };
    const welcome = { type: "welcome", ...about, settings: { ...settings, frozen: this.frozenSeq > 0 && this.frozen } };
    const told = { type: "changes", from, to: this.head, changes, ...(resumed ? {} : { reset: true }) };
    return [welcome, ...(resumed && from === this.head ? [] : [told])] as unknown as ServerFrame[];
  }

  page(before: number, limit: number): Page {
    const older = [...this.messages.values()].filter(({ id }) => id < before).sort((one, other) => one.id - other.id);
    const messages = older.slice(-limit);
    const start = messages.length < older.length ? (messages[0]?.id ?? null) : this.oldest;
    return { messages, hasMore: messages.length < older.length, cursor: `${this.epoch}:${this.head}`, start };
  }
}

/** What of the room the copy has wrong in the end; null for nothing. */
function divergence(Made: typeof Copy, seed: number): string | null {
  const chance = generator(seed);
  const model = new Model();
  const copy = new Made();
  let line: ServerFrame[] = [];
  let connected = false;
  const pages: { readonly request: NonNullable<ReturnType<Copy["askPage"]>>; readonly page: Page }[] = [];
  let members: {
    readonly request: { readonly generation: number };
    readonly members: Member[];
    readonly cursor: string;
  } | null = null;

  const deliver = (count: number): void => {
    for (const frame of line.splice(0, count)) {
      if (!connected) return;
      if (copy.receive(frame).hole === true) connected = false;
    }
    if (!connected) line = [];
  };
  const open = (): void => {
    copy.opened();
    line = model.enter(copy.cursor, 1 + Math.floor(chance() * 4));
    connected = true;
  };
  const change = (): object => {
    const ids = [...model.messages.keys()];
    const dice = chance();
    if (dice < 0.4 || ids.length === 0) return model.publish();
    if (dice < 0.75) return model.edit(ids[Math.floor(chance() * ids.length)] ?? 1);
    if (dice < 0.92) return model.admit(`user-${Math.floor(chance() * 3)}`);
    return model.retain((ids[0] ?? 0) + Math.floor(chance() * 2));
  };
  const tell = (): void => {
    const from = model.head;
    const changes = [change()];
    if (chance() < 0.3) changes.push(change());
    // Now and then a server repeats what the reader may have, or loses what it has said.
    const frame = { type: "changes", from, to: model.head, changes } as unknown as ServerFrame;
    if (connected && chance() > 0.06) line.push(frame);
    if (connected && chance() < 0.1) line.push(frame);
  };
  const read = (): void => {
    const [arrived] = pages.splice(0, 1);
    if (arrived !== undefined) copy.mergePage(arrived.request, arrived.page);
    if (members === null) return;
    copy.mergeMembers(members.request, members.members, members.cursor);
    members = null;
  };
  let highest = { epoch: "", seqs: new Map<number, number>() };
  for (let step = 0; step < steps; step++) {
    const epoch = copy.cursor?.split(":")[0] ?? "";
    for (const { id, seq } of copy.messages.values())
      if (epoch === highest.epoch && seq < (highest.seqs.get(id) ?? 0)) return `message ${id} went back to ${seq}`;
    highest = { epoch, seqs: new Map([...copy.messages.values()].map(({ id, seq }) => [id, seq])) };
    const dice = chance();
    if (dice < 0.45) tell();
    else if (dice < 0.7) deliver(1 + Math.floor(chance() * 3));
    else if (dice < 0.76) [connected, line] = [false, []];
    else if (dice < 0.8) {
      model.restore(Math.max(0, model.head - 1 - Math.floor(chance() * 4)));
      [connected, line] = [false, []];
    } else if (dice < 0.88) {
      const request = copy.askPage();
      if (request !== null) pages.push({ request, page: model.page(request.before, 3) });
    } else if (dice < 0.92) {
      const cursor = `${model.epoch}:${model.head}`;
      members ??= { request: copy.askMembers(), members: [...model.members.values()], cursor };
    } else read();
    if (!connected && chance() < 0.5) open();
  }
  // In the end all arrives.
  for (let round = 0; round < 4; round++) {
    if (!connected) open();
    deliver(Infinity);
  }
  read();
  // A mark, for whoever has not noticed yet.
  if (copy.receive({ type: "changes", from: model.head, to: model.head, changes: [] }).hole === true) {
    open();
    deliver(Infinity);
  }
  return difference(copy, model);
}

function difference(copy: Copy, model: Model): string | null {
  const start = copy.start ?? 0;
  const expected = [...model.messages.values()].filter(({ id }) => id >= start);
  const held = [...copy.messages.values()].filter(({ id }) => id >= start);
  const told = (rows: readonly { seq: number }[]): string =>
    JSON.stringify([...rows].sort((one, other) => one.seq - other.seq));
  if (copy.cursor !== `${model.epoch}:${model.head}`)
    return `stands at ${copy.cursor}, not ${model.epoch}:${model.head}`;
  if (told(held) !== told(expected)) return `holds ${told(held)}\nnot ${told(expected)}`;
  if (copy.messages.size !== held.length) return "holds messages below its window";
  for (const [user, member] of copy.members)
    if (JSON.stringify(member) !== JSON.stringify(model.members.get(user))) return `has ${user} wrong`;
  if (copy.settings?.frozen !== (model.frozenSeq > 0 && model.frozen)) return "has the settings wrong";
  return copy.isWhole ? null : "is not whole";
}

function generator(seed: number): () => number {
  let state = seed * 2_654_435_769 + 1;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 374_761_393) >>> 0;
    return state / 4_294_967_296;
  };
}

function firstDivergence(Made: typeof Copy): string | null {
  for (let seed = 1; seed <= programs; seed++) {
    const found = divergence(Made, seed);
    if (found !== null) return `seed ${seed}: ${found}`;
  }
  return null;
}

const source = readFileSync(join(import.meta.dirname, "../../src/client/copy.ts"), "utf8");

/** The same class without a part of it. */
async function without(text: string, instead = ""): Promise<typeof Copy> {
  expect(source.split(text)).toHaveLength(2);
  const { code } = transformSync(source.replace(text, instead), { loader: "ts", format: "esm" });
  const made = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as { readonly Copy: typeof Copy };
  return made.Copy;
}

test(`[C9] ${programs} random rooms of changes, losses, cuts, restores and pages: the client ends with the room's state`, () => {
  expect(firstDivergence(Copy)).toBeNull();
});

test.each([
  ["the larger seq of a message wins", "    if (message.seq <= held.seq) return null;\n"],
  ["the larger seq of a member wins", "    if (held !== undefined && member.seq <= held.seq) return;\n"],
  ["patches are kept while a page is asked for", "      this.#kept?.push(message);\n"],
  ["a page of another history or window is dropped", "    if (stale) {\n", "    if (false) {\n"],
  [
    "members of another history are dropped",
    "    if (!this.#isOfThisHistory(cursor) || generation !== this.#generation) return false;\n",
  ],
  [
    "a message below the window is not inserted",
    "      if (this.start !== null && message.id < this.start) return null;\n",
  ],
  ["a reset drops everything", "    this.messages.clear();\n    this.members.clear();\n"],
  [
    "messages below `oldest` go",
    "    for (const id of this.messages.keys()) if (id < this.oldest) this.messages.delete(id);\n",
  ],
  ["a hole is noticed", "    if (from > this.#seq) return hole;\n"],
])("[C9] without `%s` a client ends with something else", async (...[, text, instead]) => {
  expect(firstDivergence(await without(text, instead))).not.toBeNull();
});

test("[C9] a welcome that does not resume, and no reset after it, is a hole", () => {
  const copy = new Copy();
  const model = new Model();
  model.publish();
  for (const frame of model.enter(null, 10)) copy.receive(frame);
  model.restore(0);
  copy.opened();
  const [welcome] = model.enter(copy.cursor, 10);
  if (welcome !== undefined) copy.receive(welcome);
  expect(copy.receive({ type: "changes", from: 1, to: 2, changes: [] })).toEqual({ hole: true });
  expect(copy.receive({ type: "changes", from: 0, to: 0, changes: [], reset: true })).toEqual({});
});

test("[C9] a text that is streamed grows where it was cut, and a hole in it asks for the whole", () => {
  const copy = new Copy();
  const model = new Model();
  model.publish();
  model.messages.set(1, { ...model.messages.get(1), text: "Hel", status: "streaming" } as Message);
  for (const frame of model.enter(null, 10)) copy.receive(frame);
  const text = (): string | null | undefined => copy.messages.get(1)?.text;
  expect(copy.receive({ type: "delta", id: 1, at: 3, text: "lo" })).toEqual({});
  expect(text()).toBe("Hello");
  expect(copy.receive({ type: "delta", id: 1, at: 3, text: "lo" })).toEqual({});
  expect(copy.receive({ type: "delta", id: 1, at: 9, text: "!" })).toEqual({ snapshot: 1 });
  expect(text()).toBe("Hello");
  copy.receive({ type: "snapshot", id: 1, text: "Hello all" });
  copy.receive({ type: "delta", id: 1, at: 9, text: "!" });
  expect(text()).toBe("Hello all!");
});

test("[C10] no more messages are held than were asked for, beside those that pages brought", () => {
  const copy = new Copy(5);
  const model = new Model();
  for (let count = 0; count < 20; count++) model.publish();
  for (const frame of model.enter(null, 50)) copy.receive(frame);
  expect([copy.messages.size, copy.start, copy.hasMore]).toEqual([5, 16, true]);
  const request = copy.askPage();
  if (request !== null) copy.mergePage(request, model.page(request.before, 10));
  expect([copy.messages.size, copy.start]).toEqual([15, 6]);
  const changes = [model.publish()];
  copy.receive({ type: "changes", from: 20, to: 21, changes } as unknown as ServerFrame);
  expect([copy.messages.size, copy.start]).toEqual([15, 7]);
});

test("[C10] the newest message is known whatever pages have brought, and not looked for among all that are held", () => {
  const copy = new Copy();
  const model = new Model();
  expect(copy.newest).toBe(0);
  for (let count = 0; count < 20; count++) model.publish();
  for (const frame of model.enter(null, 5)) copy.receive(frame);
  expect(copy.newest).toBe(20);
  const request = copy.askPage();
  if (request !== null) copy.mergePage(request, model.page(request.before, 10));
  expect([copy.newest, [...copy.messages.keys()].at(-1)]).toEqual([20, 15]);
  copy.opened();
  for (const frame of new Model().enter(null, 5)) copy.receive(frame);
  expect([copy.newest, copy.messages.size]).toEqual([0, 0]);
});
