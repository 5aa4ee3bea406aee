/** What one of the two sees: their connection, the room's messages, and a field to write in. */
import { HereView, initialOf } from "./here.js";
import { contentOf, listed, MessageView, say } from "./message.js";

const framesShown = 40;
const companyMax = 10;
const gaps = {
  expired: "what was missed is older than this room remembers",
  epoch: "the room has another history now",
  ahead: "the server knows less than this page did",
  too_far: "too much was missed to send it all",
};

export class Column {
  element = document.querySelector("#column").content.firstElementChild.cloneNode(true);
  #room;
  #name;
  #part = (selector) => this.element.querySelector(selector);
  #views = new Map();
  #here = new HereView(this.#part(".here"));
  #frames = [];
  #willShow = false;
  /** Whether the newest message is in view, as the reader has left it. */
  #atEnd = true;
  #countdown;
  /** Messages that were announced to those who cannot see them, by id, with the seq. Null before the first were there. */
  #announced = null;
  /** Others who were here when it was last said who comes and goes, their names by user. */
  #company = null;

  constructor(room, { user, name }) {
    this.#room = room;
    this.#name = name;
    this.#label(user, name);
    this.#listen();
    this.#show();
  }

  #label(user, name) {
    const input = this.#part(".composer input");
    this.element.dataset.user = user;
    this.element.setAttribute("aria-label", `The room as ${name} sees it`);
    this.#part(".scroll").setAttribute("aria-label", `Messages, as ${name} sees them`);
    say(this.#part("h2"), name);
    say(this.#part(".avatar"), initialOf(name));
    say(this.#part(".composer label"), `Message as ${name}`);
    input.id = `message-${user}`;
    this.#part(".composer label").htmlFor = input.id;
  }

  #listen() {
    const room = this.#room;
    room.addEventListener("change", () => this.#showSoon());
    room.addEventListener("caughtup", ({ detail }) => this.#report(detail));
    room.addEventListener("wire", ({ detail }) => this.#log(detail));
    this.#part(".toggle").addEventListener("click", () => this.#toggle());
    this.#part(".wire").addEventListener("toggle", () => this.#showFrames());
    const scroll = this.#part(".scroll");
    scroll.addEventListener("scroll", () => {
      this.#atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 48;
    });
    // A line above that comes must not push the newest message out of view.
    new ResizeObserver(() => this.#atEnd && scroll.scrollTo(0, scroll.scrollHeight)).observe(scroll);
    // What is not looked at is not read.
    document.addEventListener("visibilitychange", () => this.#showSoon());
    const input = this.#part(".composer input");
    input.addEventListener("input", () => room.typing(input.value.trim() !== ""));
    this.#part(".composer").addEventListener("submit", (event) => {
      event.preventDefault();
      if (input.value.trim() === "") return;
      room.publish(input.value);
      input.value = "";
    });
  }

  #toggle() {
    const away = ["cut", "waiting", "stopped"].includes(this.#room.state.name);
    if (away) return this.#room.connect();
    this.#room.cut();
    this.#note(
      `Cut off at #${this.#room.position?.split(":")[1] ?? 0}. ${this.#name} sees nothing new, and can still write.`,
    );
  }

  #report({ resumed, gap, missed }) {
    if (resumed)
      this.#note(
        missed === 0 ? "resumed: nothing was missed" : `resumed: ${counted(missed, "change")} missed, none lost`,
        missed > 0,
      );
    else this.#note(gap === null ? "" : `started over: ${gaps[gap] ?? gap}`);
  }

  #note(text, good = false) {
    const note = this.#part(".note");
    note.classList.toggle("good", good);
    say(note, text);
  }

  /** Many changes of one moment are one painting. */
  #showSoon() {
    if (this.#willShow) return;
    this.#willShow = true;
    queueMicrotask(() => this.#show());
  }

  #show() {
    this.#willShow = false;
    const messages = this.#room.messages;
    this.#showState();
    this.#showCompany();
    this.#showMessages(messages);
    this.#announce(messages);
    this.#markRead(messages);
    say(this.#part(".position"), this.#room.position ?? "");
    const input = this.#part(".composer input");
    input.maxLength = this.#room.welcome?.limits.textLength ?? 16_384;
  }

  #showState() {
    const { state } = this.#room;
    this.element.dataset.state = state.name;
    say(this.#part(".state-text"), wordsFor(state));
    say(
      this.#part(".toggle"),
      { cut: "Come back", waiting: "Reconnect now", stopped: "Try again" }[state.name] ?? "Cut the connection",
    );
    clearTimeout(this.#countdown);
    if (state.name === "waiting") this.#countdown = setTimeout(() => this.#showSoon(), 1_000);
  }

  #showCompany() {
    const { presence, typists, state, user } = this.#room;
    const live = state.name === "live" || state.name === "catching-up";
    this.#here.show(presence, user, live);
    const names = typists.map((typist) => this.#room.nameOf(typist));
    say(
      this.#part(".typing"),
      names.length === 0 ? "" : `${listed(names)} ${names.length === 1 ? "is" : "are"} typing…`,
    );
    if (state.name === "live") this.#announceCompany(presence.members);
  }

  #markRead(messages) {
    if (document.visibilityState !== "visible") return;
    // One's own are known.
    const newest = messages.findLast(({ sender }) => sender?.id !== this.#room.user);
    if (newest !== undefined) this.#room.read(newest.id);
  }

  /** The names of those who have read up to each of one's own messages, at the newest of these. */
  #readersOf(messages) {
    const own = messages.filter(({ sender, deletedAt }) => sender?.id === this.#room.user && deletedAt === null);
    const readers = new Map();
    for (const [user, upTo] of this.#room.receipts) {
      const read = user === this.#room.user ? undefined : own.findLast(({ id }) => id <= upTo);
      if (read !== undefined) readers.set(read.id, [...(readers.get(read.id) ?? []), this.#room.nameOf(user)]);
    }
    return readers;
  }

  #showMessages(messages) {
    const scroll = this.#part(".scroll");
    const before = this.#room.unsettled.length;
    const shown = new Map();
    const readers = this.#readersOf(messages);
    for (const message of messages) {
      const key = this.#keyOf(message);
      const view = this.#viewOf(key);
      view.showStored(message, {
        tookMs: this.#room.tookMs(message.nonce),
        readers: readers.get(message.id) ?? [],
      });
      shown.set(key, view);
    }
    for (const item of this.#room.unsettled) {
      // Seen among the changes, its ack still on the way.
      if (shown.has(item.nonce)) continue;
      const view = this.#viewOf(item.nonce);
      view.showPending(item, this.#room.state.name === "live");
      shown.set(item.nonce, view);
    }
    this.#arrange(shown);
    this.#part(".empty").hidden = shown.size > 0;
    if (this.#atEnd || before > 0) scroll.scrollTop = scroll.scrollHeight;
  }

  /** One's own message keeps its place on the page from the moment it was written: until it has an id its nonce names it. */
  #keyOf({ id, nonce, sender }) {
    return nonce !== null && sender?.id === this.#room.user ? nonce : id;
  }

  #viewOf(key) {
    return this.#views.get(key) ?? new MessageView(this.#room);
  }

  #arrange(shown) {
    const list = this.#part(".messages");
    for (const [key, view] of this.#views) if (!shown.has(key)) view.element.remove();
    this.#views = shown;
    let place = list.firstElementChild;
    for (const { element } of shown.values()) {
      if (element === place) place = place.nextElementSibling;
      // Moving an element takes the focus from it, so only what is not in its place is moved.
      else list.insertBefore(element, place);
    }
  }

  /** Others' messages only, and not the history that was there: one hears what is new, once. */
  #announce(messages) {
    const live = this.#room.state.name === "live";
    const fresh = messages.filter(
      ({ id, seq, sender }) => this.#announced?.get(id) !== seq && sender?.id !== this.#room.user,
    );
    if (this.#announced !== null && live && fresh.length <= 5) {
      say(
        this.#part(".announcer"),
        fresh.map((message) => this.#spoken(message)).join(" ") || this.#part(".announcer").textContent,
      );
    }
    if (live || this.#announced !== null) this.#announced = new Map(messages.map(({ id, seq }) => [id, seq]));
  }

  /** Only where it is a few: in a crowd somebody always comes or goes. */
  #announceCompany(members) {
    const others = members.filter(({ user }) => user !== this.#room.user);
    const now = new Map(others.map(({ user, name }) => [user, name ?? user]));
    const before = this.#company ?? now;
    const come = [...now].filter(([user]) => !before.has(user)).map(([, name]) => `${name} is here.`);
    const gone = [...before].filter(([user]) => !now.has(user)).map(([, name]) => `${name} has left.`);
    this.#company = now;
    if (come.length + gone.length > 0 && others.length <= companyMax)
      say(this.#part(".usher"), `${this.#name} sees: ${[...come, ...gone].join(" ")}`);
  }

  #spoken(message) {
    const who = message.sender?.name ?? message.sender?.id ?? "The server";
    if (message.deletedAt !== null) return `${this.#name} sees: ${who} deleted message ${message.id}.`;
    if (this.#announced.has(message.id))
      return `${this.#name} sees: message ${message.id} changed: ${contentOf(message)}`;
    return `${this.#name} hears from ${who}: ${contentOf(message)}`;
  }

  #log(frame) {
    this.#frames = [{ ...frame, at: new Date() }, ...this.#frames].slice(0, framesShown);
    this.#showFrames();
  }

  #showFrames() {
    if (!this.#part(".wire").open) return;
    this.#part(".wire ol").replaceChildren(...this.#frames.map(frameRow));
  }
}

function frameRow({ direction, text, at }) {
  const row = document.createElement("li");
  const head = document.createElement("span");
  const code = document.createElement("code");
  say(head, `${direction === "sent" ? "↑ sent" : "↓ received"} ${at.toLocaleTimeString()}`);
  say(code, text);
  row.className = direction;
  row.append(head, code);
  return row;
}

function wordsFor({ name, code, reason, untilMs }) {
  switch (name) {
    case "cut":
      return "cut off";
    case "connecting":
      return "connecting…";
    case "catching-up":
      return "catching up…";
    case "live":
      return "live";
    case "waiting": {
      const seconds = Math.max(0, Math.ceil((untilMs - Date.now()) / 1_000));
      return `lost (${reason || code}), again in ${seconds} s`;
    }
    case "stopped":
      return `stopped: ${reason}${code === undefined ? "" : ` (${code})`}`;
  }
}

function counted(count, thing) {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
