/** What one of the two sees: their connection, the room's messages, and a field to write in. */
import { contentOf, MessageView, say } from "./message.js";

const framesShown = 40;
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
  #frames = [];
  #willShow = false;
  #countdown;
  /** Messages that were announced to those who cannot see them, by id, with the seq. Null before the first were there. */
  #announced = null;

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
    say(this.#part(".avatar"), name[0]);
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
    this.#part(".composer").addEventListener("submit", (event) => {
      event.preventDefault();
      const input = this.#part(".composer input");
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
    this.#showMessages(messages);
    this.#announce(messages);
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

  #showMessages(messages) {
    const scroll = this.#part(".scroll");
    const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 48;
    const before = this.#room.unsettled.length;
    const shown = new Map();
    for (const message of messages) {
      const key = this.#keyOf(message);
      const view = this.#viewOf(key);
      view.showStored(message, this.#room.tookMs(message.nonce));
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
    if (atEnd || before > 0) scroll.scrollTop = scroll.scrollHeight;
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
