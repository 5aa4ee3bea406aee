/** Runs a program against a real room: what the room says at the end is the truth, and every reader must have come to it. */
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { call, everything, newTenant, newToken, type TestTenant } from "../support/api.ts";
import { lastTo, Listener } from "../support/listener.ts";
import type { Rules } from "../support/reader.ts";
import { keepFile } from "../support/files.ts";
import { roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { ask, differenceOf, type Truth, truthOf } from "../support/truth.ts";
import { countedFor, hiddenReplies, unsound } from "./sums.ts";
import type { Command, Evicting, Governing, Program, Reading, Saying } from "./program.ts";

const users = ["ada", "bo", "cy", "di"];
const members = ["ada", "bo", "u1", "u2", "u3"];
/** A refusal is an answer too: what was meant has expired or was deleted meanwhile, or is a reply itself. */
const passing: ReadonlySet<string> = new Set(["not_found", "conflict", "invalid_field"]);
const emoji = ["👍", "❤️", "1"];

/** Small where the protocol has a branch: backlogs, pages and replays end early and often. */
const backlog = 4;
const pageSize = 3;
const replayChanges = 12;

/** A clock that is a number: it moves when a run says so, for the room and its readers alike. */
export interface Clock {
  now(): number;
  set(nowMs: number): void;
}

/** Where rooms are made, one for each run. */
export interface World {
  readonly tenant: TestTenant;
  readonly tokens: readonly string[];
  /** Of the same users, of whom only the first may moderate, whatever their role. */
  readonly plainTokens: readonly string[];
  readonly clock: Clock;
}

export async function newWorld(clock: Clock): Promise<World> {
  const tenant = await newTenant({ ...roomy, replayChanges });
  const tokens = await Promise.all(users.map((user) => newToken(tenant, user, { "*": everything })));
  const capabilities = everything.filter((capability) => capability !== "moderate" && capability !== "manage");
  const { key } = await ask<{ key: { secret: string } }>("/v1/keys", {
    method: "POST",
    credential: tenant.key,
    body: { capabilities },
  });
  const plain = { ...tenant, key: key.secret };
  const others = users.slice(1).map((user) => newToken(plain, user, { "*": capabilities }));
  const plainTokens = [...tokens.slice(0, 1), ...(await Promise.all(others))];
  return { tenant, tokens, plainTokens, clock };
}

let rooms = 0;

/** Null when every reader has the room's state, else what differs. */
export async function run(world: World, program: Program, rules: Rules): Promise<string | null> {
  const attempt = new Run(world, `room-${++rooms}`, program, rules);
  try {
    return await attempt.go();
  } finally {
    attempt.end();
  }
}

class Run {
  readonly #world: World;
  readonly #room: string;
  readonly #program: Program;
  readonly #listeners: readonly Listener[];
  /** The ids of messages that are probably there. */
  #ids: number[] = [];
  /** Which of them are replies: to them nobody replies. */
  readonly #replies = new Set<number>();
  readonly #members = new Set<string>();
  #head = 0;
  #frozen = false;
  /** Who is shadow-banned, and of which messages who said them; null where the author was erased. */
  readonly #shadowed = new Set<string>();
  readonly #hidden = new Map<number, string | null>();
  #sent = 0;

  constructor(world: World, room: string, program: Program, rules: Rules) {
    this.#world = world;
    this.#room = room;
    this.#program = program;
    this.#listeners = (program.shadows ? world.plainTokens : world.tokens)
      .slice(0, program.visitors + 1)
      .map((token) => new Listener({ room, token, backlog, pageSize, rules }));
  }

  get #steady(): Listener {
    return picked(this.#listeners, 0);
  }

  async go(): Promise<string | null> {
    const { before, commands, ending } = this.#program;
    await this.#steady.open();
    await this.#keep();
    for (const command of before) await this.#step(command);
    for (const [index, listener] of this.#listeners.entries())
      if (index > 0 && (commands.length + index) % 3 > 0) await listener.open();
    for (const [index, command] of commands.entries()) {
      const difference = await this.#step(command);
      if (difference !== null) return `after command ${index} of ${commands.length}: ${difference}`;
    }
    if (ending.evict) await this.#evict({ sockets: "hibernate", lose: ending.lose });
    for (const listener of this.#listeners) await listener.settle();
    const truth = await this.#truth();
    for (const [index, listener] of this.#listeners.entries()) {
      const difference = differenceOf(listener.reader, await this.#shown(truth, listener));
      if (difference !== null) return `reader ${index} at the end: ${difference}`;
    }
    return this.#unsound();
  }

  #unsound(): Promise<string | null> {
    const { tenant, clock } = this.#world;
    return unsound(tenant, this.#room, { keeps: this.#program.keeps, nowMs: clock.now() });
  }

  end(): void {
    for (const listener of this.#listeners) listener.cut();
  }

  /** A difference, where the command is one that looks for it. */
  async #step(command: Command): Promise<string | null> {
    const { clock } = this.#world;
    clock.set(clock.now() + 1);
    switch (command.do) {
      case "publish":
      case "reply":
      case "edit":
      case "react":
      case "delete":
      case "read":
        await this.#say(command);
        break;
      case "member":
      case "freeze":
      case "shadow":
      case "pin":
      case "retain":
      case "erase":
        await this.#govern(command);
        break;
      case "sweep":
        await this.#ring();
        break;
      case "recreate":
        await this.#recreate();
        break;
      case "wait":
        clock.set(clock.now() + command.ms);
        break;
      case "evict":
        await this.#evict(command);
        break;
      case "check":
        return this.#check(picked(this.#listeners, command.who));
      case "deliver":
      case "cut":
      case "page":
      case "late":
        await this.#readerDoes(command);
    }
    return null;
  }

  get #object(): ReturnType<typeof roomObject> {
    return roomObject(this.#world.tenant, this.#room);
  }

  // What is said.

  async #say(command: Saying): Promise<void> {
    const speaker = picked(
      this.#listeners.filter(({ socket }) => socket?.closed === null),
      command.who,
    );
    const said = this.#framesOf(command);
    if (said.length === 0) return;
    const files = command.do === "publish" ? command.files : 0;
    const frames = [];
    for (const frame of said) {
      const attachments = files === 0 ? {} : { attachments: await this.#bring(files, this.#userOf(speaker)) };
      frames.push({ ref: `${++this.#sent}`, ...frame, ...attachments });
    }
    for (const answer of await speaker.ask(...frames)) {
      if (answer.type === "ack" && (command.do === "publish" || command.do === "reply"))
        this.#said(answer.id ?? 0, this.#userOf(speaker), command.do === "reply");
      else if (answer.type === "error" && answer.code === "room_frozen" && this.#program.shadows) continue;
      else if (answer.type === "error" && !passing.has(answer.code)) throw new Error(JSON.stringify(answer));
    }
    await this.#told(lastTo(speaker.socket?.frames ?? []));
  }

  #bring(count: number, user: string): Promise<string[]> {
    const { tenant } = this.#world;
    return Promise.all(Array.from({ length: count }, () => keepFile(tenant, this.#room, user)));
  }

  #said(id: number, user: string, isReply: boolean): void {
    this.#ids.push(id);
    if (isReply) this.#replies.add(id);
    if (this.#shadowed.has(user)) this.#hidden.set(id, user);
  }

  #userOf(listener: Listener): string {
    return picked(users, this.#listeners.indexOf(listener));
  }

  #truth(): Promise<Truth> {
    return truthOf(this.#room, this.#world.tenant.key, this.#world.clock.now);
  }

  /**
   * What this listener is to hold of it: the first may moderate and sees everything. For the others the room says in which seq
   * they see each message, and nothing else.
   */
  async #shown(truth: Truth, listener: Listener): Promise<Truth> {
    if (!this.#program.shadows || listener === this.#steady) return truth;
    const user = this.#userOf(listener);
    const isShown = (id: number): boolean => !this.#hidden.has(id) || this.#hidden.get(id) === user;
    const messages = truth.messages.filter(({ id }) => isShown(id));
    const counts = countedFor(user, messages, await hiddenReplies(this.#world.tenant, this.#room));
    const own = await truthOf(this.#room, this.#tokenOf(listener), this.#world.clock.now);
    const seqs = new Map(own.messages.map(({ id, seq }) => [id, seq]));
    const seen = messages.map((message, index) => ({
      ...message,
      replies: counts[index] ?? 0,
      seq: seqs.get(message.id) ?? message.seq,
    }));
    return { ...truth, messages: seen };
  }

  #tokenOf(listener: Listener): string {
    return picked(this.#world.plainTokens, this.#listeners.indexOf(listener));
  }

  #framesOf(command: Saying): object[] {
    const nonce = (): string => `nonce-of-${++this.#sent}`;
    if (command.do === "publish") {
      const { count, expiresInMs } = command;
      return Array.from({ length: count }, () => ({
        type: "publish",
        nonce: nonce(),
        text: `text ${this.#sent}`,
        ...(expiresInMs === null ? {} : { expiresInMs }),
      }));
    }
    if (this.#ids.length === 0) return [];
    const roots = this.#ids.filter((one) => !this.#replies.has(one));
    const replies = this.#ids.filter((one) => this.#replies.has(one));
    // Of replies, which are few, more are deleted than of others.
    const some = command.do === "reply" ? roots : command.do === "delete" && command.who % 2 === 0 ? replies : [];
    const id = picked(some.length > 0 ? some : this.#ids, command.message);
    switch (command.do) {
      case "reply":
        return [
          {
            type: "publish",
            nonce: nonce(),
            text: `reply ${this.#sent}`,
            replyTo: id,
            mentions: ["bo"],
            ...this.#fleeting,
          },
        ];
      case "edit":
        return [
          {
            type: "edit",
            id,
            ...(this.#sent % 3 === 0 ? { data: { edit: this.#sent } } : { text: `edit ${this.#sent}` }),
          },
        ];
      case "react":
        return [{ type: "react", id, emoji: picked(emoji, command.emoji), remove: command.who % 3 === 0 }];
      case "delete":
        return [{ type: "delete", id, redact: this.#sent % 3 === 0 }];
      case "read":
        return [{ type: "read", upTo: id }];
    }
  }

  /** Some replies expire, and their parents lose them. */
  get #fleeting(): object {
    return this.#sent % 4 === 0 ? { expiresInMs: 1_000 } : {};
  }

  // What the tenant's server does.

  async #govern(command: Governing): Promise<void> {
    if (command.do === "member") {
      const { role } = command;
      const path = `/members/${picked(members, command.user)}`;
      if (role === null && !this.#members.delete(path)) return;
      if (role === null) await this.#call(path, { method: "DELETE" });
      else {
        this.#members.add(path);
        await this.#call(path, { method: "PUT", body: { role, ...(this.#sent % 2 === 0 ? { name: "Name" } : {}) } });
      }
    } else if (command.do === "freeze") {
      this.#frozen = !this.#frozen;
      await this.#call("", { method: "PATCH", body: { settings: { frozen: this.#frozen } } });
    } else if (command.do === "shadow") {
      if (!this.#program.shadows) return;
      const user = picked(users.slice(1), command.user);
      const ends = this.#shadowed.delete(user);
      if (!ends) this.#shadowed.add(user);
      await this.#call(`/bans/${user}`, ends ? { method: "DELETE" } : { method: "PUT", body: { shadow: true } });
    } else if (command.do === "pin") {
      if (this.#ids.length > 0) await this.#pin(picked(this.#ids, command.message), command.remove);
    } else if (command.do === "retain") {
      const index = command.message % Math.max(1, Math.ceil(this.#ids.length / 2));
      const last = this.#ids[index];
      if (last === undefined) return;
      if (command.message % 2 === 0) {
        // By the room's own setting, which goes on to hold.
        await this.#call("", {
          method: "PATCH",
          body: { settings: { retentionMessages: 1 + (command.message % 12) } },
        });
        return this.#ring();
      }
      this.#ids = this.#ids.slice(index + 1);
      await this.#object.retain(last + 1);
    } else {
      const user = picked(members, command.user);
      this.#members.delete(`/members/${user}`);
      await this.#object.erase(user);
      this.#shadowed.delete(user);
      for (const [id, author] of this.#hidden) if (author === user) this.#hidden.set(id, null);
    }
    await this.#told(await this.#readHead());
  }

  /** By the first reader, who may moderate. What is not there any more, or was deleted, is not pinned. */
  async #pin(id: number, remove: boolean): Promise<void> {
    const path = `/v1/rooms/${this.#room}/messages/${id}/pin`;
    const credential = picked(this.#world.tokens, 0);
    const { status } = await call(path, { method: remove ? "DELETE" : "PUT", credential });
    if (![200, 404, 409].includes(status)) throw new Error(`a pin: ${status}`);
  }

  async #keep(): Promise<void> {
    if (this.#program.keeps) await this.#call("", { method: "PATCH", body: { settings: { keepRevisions: true } } });
  }

  async #ring(): Promise<void> {
    await runDurableObjectAlarm(this.#object);
    await this.#told(await this.#readHead());
  }

  async #recreate(): Promise<void> {
    await this.#call("", { method: "DELETE" });
    await this.#call("", { method: "PUT", body: {} });
    await this.#keep();
    this.#ids = [];
    this.#replies.clear();
    this.#members.clear();
    this.#shadowed.clear();
    this.#hidden.clear();
    this.#head = 0;
    this.#frozen = false;
    for (const listener of this.#listeners) await listener.untilClosed();
    for (const listener of this.#listeners) listener.cut();
    await this.#steady.open();
  }

  /** The room wakes by being asked for its head; every open socket hears of it (SPEC O2), which ends the wait. */
  async #evict({ sockets, lose }: Omit<Evicting, "do">): Promise<void> {
    const open = this.#listeners.filter(({ socket }) => socket?.closed === null);
    // An object that does not run cannot be evicted.
    await this.#readHead();
    await evictDurableObject(this.#object, { webSockets: sockets });
    if (sockets === "close") {
      // Of a socket that was cut, what had arrived can still be delivered.
      for (const listener of open) await listener.untilClosed();
      this.#steady.cut();
      await this.#steady.open();
      return;
    }
    for (const who of lose) picked(this.#listeners, who).lose();
    const seen = open.map(({ socket }) => socket?.frames.length ?? 0);
    const head = await this.#readHead();
    for (const [index, listener] of open.entries())
      await listener.until((frames) => lastTo(frames.slice(seen[index])) >= head);
  }

  // What readers do.

  /** Of the readers the first one, from the picked one on, for whom there is something to do. */
  async #readerDoes(command: Reading): Promise<void> {
    const first = command.who % this.#listeners.length;
    for (const listener of [...this.#listeners.slice(first), ...this.#listeners.slice(0, first)]) {
      if (!(await this.#does(listener, command))) continue;
      const returns = listener === this.#steady || (command.do === "deliver" && command.returns);
      if (listener.socket === null && returns) await listener.open();
      return;
    }
  }

  async #does(listener: Listener, command: Reading): Promise<boolean> {
    switch (command.do) {
      case "deliver":
        if (listener.socket !== null && !listener.hasFrames) return false;
        await listener.deliver(command.count);
        return true;
      case "cut":
        if (listener === this.#steady || listener.socket === null) return false;
        listener.cut();
        return true;
      case "page":
        return listener.askPage({ overSocket: command.overSocket });
      case "late":
        return listener.deliverLate(command.index);
    }
  }

  /** In the middle: a reader to whom everything was delivered has everything. */
  async #check(listener: Listener): Promise<string | null> {
    const { socket } = listener;
    await listener.deliver();
    if (listener.socket === null && listener === this.#steady) await listener.open();
    if (socket === null || listener.socket !== socket || listener.reader.cursor === null) return null;
    const astray = await this.#unsound();
    if (astray !== null) return astray;
    const shown = await this.#shown(await this.#truth(), listener);
    return differenceOf(listener.reader, shown, { withMembers: false });
  }

  // The room.

  async #readHead(): Promise<number> {
    const { head } = await this.#call<{ head: number }>("");
    return head;
  }

  /** Waits until every open socket was sent the changes up to `head`. */
  async #told(head: number): Promise<void> {
    this.#head = Math.max(this.#head, head);
    for (const listener of this.#listeners) if (listener.socket !== null) await listener.arrived(this.#head);
  }

  #call<T>(path: string, options: { method?: string; body?: unknown } = {}): Promise<T> {
    return ask<T>(`/v1/rooms/${this.#room}${path}`, { credential: this.#world.tenant.key, ...options });
  }
}

function picked<T>(things: readonly T[], number: number): T {
  const thing = things[number % things.length];
  if (thing === undefined) throw new Error("nothing to pick from");
  return thing;
}
