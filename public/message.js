/** One message in one column: what it says, what happened to it, and what its reader may do with it. */
const thumb = "👍";

export class MessageView {
  element = document.querySelector("#message").content.firstElementChild.cloneNode(true);
  #room;
  /** Null while it is not stored. */
  #message = null;
  #nonce = null;
  #parts;
  #chips = new Map();

  constructor(room) {
    this.#room = room;
    const part = (selector) => this.element.querySelector(selector);
    this.#parts = {
      sender: part(".sender bdi"),
      time: part("time"),
      text: part(".text"),
      editor: part(".editor"),
      draft: part("textarea"),
      seq: part(".seq"),
      delivery: part(".delivery"),
      read: part(".read"),
      actions: part(".actions"),
      reactions: part(".reactions"),
      edit: part(".edit"),
      delete: part(".delete"),
      error: part(".error"),
    };
    this.#listen();
  }

  /** What the room has stored. `tookMs` is set when this page published it; `readers` are those who have read up to here. */
  showStored(message, { tookMs, readers }) {
    if (this.#message === null) say(this.#parts.error, "");
    this.#message = message;
    const { sender, createdAt, deletedAt, editedAt } = message;
    const own = sender !== null && sender.id === this.#room.user;
    const parts = this.#parts;
    this.#mark({ own, deleted: deletedAt !== null, pending: false });
    say(parts.sender, sender === null ? "server" : (sender.name ?? sender.id));
    say(parts.time, new Date(createdAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    parts.time.dateTime = new Date(createdAt).toISOString();
    say(parts.text, deletedAt === null ? contentOf(message) : "deleted");
    say(parts.seq, numberOf(message));
    say(parts.delivery, deliveryOf(message, own, tookMs));
    say(parts.read, readers.length === 0 ? "" : `read by ${listed(readers)}`);
    parts.time.title = editedAt === null ? "" : `edited ${new Date(editedAt).toLocaleTimeString()}`;
    if (deletedAt !== null && parts.actions.contains(document.activeElement)) this.#giveFocusAway();
    parts.actions.hidden = deletedAt !== null;
    parts.edit.hidden = !own || message.text === null;
    parts.delete.hidden = !own;
    say(parts.delete, "Delete");
    if (deletedAt !== null) this.#closeEditor();
    this.#showReactions();
  }

  /** What is on its way: nobody has it but this page. */
  showPending({ nonce, text, state, reason }, live) {
    this.#nonce = nonce;
    const parts = this.#parts;
    this.#mark({ own: true, deleted: false, pending: true });
    say(parts.text, text);
    say(parts.seq, "");
    say(
      parts.delivery,
      {
        waiting: live ? "sending…" : "waits for the connection",
        sending: "sending…",
        stored: "stored",
        refused: "not sent",
      }[state],
    );
    say(parts.read, "");
    parts.actions.hidden = state !== "refused";
    parts.edit.hidden = true;
    say(parts.delete, "Discard");
    say(parts.error, reason ?? "");
  }

  #listen() {
    const { edit, editor, draft } = this.#parts;
    edit.addEventListener("click", () => this.#openEditor());
    this.#parts.delete.addEventListener("click", () => this.#delete());
    editor.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    editor.querySelector(".cancel").addEventListener("click", () => this.#closeEditor());
    draft.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#closeEditor();
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      editor.requestSubmit();
    });
  }

  #delete() {
    // What was refused has never been in the room.
    if (this.#message === null) this.#room.discard(this.#nonce);
    else void this.#attempt(this.#room.remove(this.#message.id));
  }

  #openEditor() {
    const { editor, draft } = this.#parts;
    // Somebody may be faster while this is open; the server compares.
    editor.dataset.version = this.#message.version;
    draft.value = this.#message.text;
    draft.setAttribute("aria-label", `New text of message ${this.#message.id}`);
    this.#setEditing(true);
    draft.focus();
    editor.scrollIntoView({ block: "nearest" });
  }

  async #save() {
    const { editor, draft } = this.#parts;
    const stored = await this.#attempt(this.#room.edit(this.#message.id, draft.value, Number(editor.dataset.version)));
    if (stored) this.#closeEditor();
  }

  #closeEditor() {
    const { editor, edit } = this.#parts;
    if (editor.hidden) return;
    this.#setEditing(false);
    say(this.#parts.error, "");
    edit.focus();
  }

  /** A button that goes takes the focus with it, to nowhere. */
  #giveFocusAway() {
    this.element.closest(".column").querySelector(".composer input").focus();
  }

  #setEditing(editing) {
    this.#parts.editor.hidden = !editing;
    this.#parts.text.hidden = editing;
    this.element.classList.toggle("editing", editing);
  }

  #showReactions() {
    const { reactions, id } = this.#message;
    const emojis = [...new Set([thumb, ...Object.keys(reactions)])];
    for (const [emoji, chip] of this.#chips) if (!emojis.includes(emoji)) (chip.remove(), this.#chips.delete(emoji));
    for (const emoji of emojis) {
      const chip = this.#chips.get(emoji) ?? this.#addChip(emoji);
      const { count, users } = Object.hasOwn(reactions, emoji) ? reactions[emoji] : { count: 0, users: [] };
      chip.setAttribute("aria-pressed", String(users.includes(this.#room.user)));
      chip.setAttribute(
        "aria-label",
        `${emoji} on message ${id}${count === 0 ? "" : `: ${count}, ${users.join(", ")}`}`,
      );
      chip.classList.toggle("none", count === 0);
      chip.title = users.join(", ");
      say(chip, count === 0 ? emoji : `${emoji} ${count}`);
    }
  }

  #addChip(emoji) {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = "chip";
    chip.addEventListener("click", () => {
      const given = chip.getAttribute("aria-pressed") === "true";
      void this.#attempt(this.#room.react(this.#message.id, emoji, given));
    });
    this.#chips.set(emoji, chip);
    this.#parts.reactions.append(chip);
    return chip;
  }

  /** Shows why not. Gives whether it was done. */
  async #attempt(request) {
    try {
      await request;
      say(this.#parts.error, "");
      return true;
    } catch (error) {
      say(this.#parts.error, error.message);
      return false;
    }
  }

  #mark(states) {
    for (const [name, on] of Object.entries(states)) this.element.classList.toggle(name, on);
  }
}

/** Only ever text: what others write is never read as HTML. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Two names at most: of more, how many they are says more. */
export function listed(names) {
  const shown = names.length > 2 ? [names[0], `${names.length - 1} others`] : names;
  return new Intl.ListFormat("en").format(shown);
}

export function contentOf({ text, data }) {
  return text ?? JSON.stringify(data);
}

/** A message is named by the number of its first change; later ones have numbers of their own. */
function numberOf({ id, seq }) {
  return seq === id ? `#${id}` : `#${id}, changed by #${seq}`;
}

function deliveryOf({ editedAt, deletedAt }, own, tookMs) {
  if (deletedAt !== null) return "";
  if (editedAt !== null) return "edited";
  if (!own) return "";
  return tookMs === undefined ? "stored" : `stored in ${Math.max(1, Math.round(tookMs))} ms`;
}
