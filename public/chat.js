/** The first page: Ada and Bo of the demo tenant in one room, side by side. */
import { forgetKey, keepKey, takeKey, Tokens } from "./access.js";
import { Column } from "./column.js";
import { Room } from "./room.js";

const people = [
  { user: "ada", name: "Ada" },
  { user: "bo", name: "Bo" },
];
const rooms = { general: ["read", "publish", "react", "edit:own", "delete:own", "presence"] };

const gate = document.querySelector("#gate");
const field = document.querySelector("#key");
const help = document.querySelector("#gate-help");
const columns = document.querySelector("#columns");
const forget = document.querySelector("#forget");

gate.addEventListener("submit", (event) => {
  event.preventDefault();
  void enter(field.value.trim());
});
forget.addEventListener("click", () => {
  forgetKey();
  location.reload();
});
// Another console link, opened in this tab, loads nothing anew.
addEventListener("hashchange", () => location.hash.startsWith("#key=") && location.reload());

const key = takeKey();
if (key === null) ask(null);
else await enter(key);

/** A wrong key is found out here, before anything is connected. */
async function enter(withKey) {
  const tokens = people.map((person) => new Tokens(withKey, { ...person, rooms }));
  gate.ariaBusy = "true";
  try {
    for (const each of tokens) await each.token();
  } catch (error) {
    return ask(error, withKey);
  } finally {
    gate.ariaBusy = null;
  }
  keepKey(withKey);
  open(tokens);
}

function ask(error, tried = "") {
  const wrong = error?.retryable === false;
  if (wrong) forgetKey();
  field.value = tried;
  gate.hidden = false;
  document.querySelector("#gate-error").textContent = error === null ? "" : explain(error);
  help.hidden = error?.code === undefined;
  help.href = `/errors/${error?.code}`;
  field.setAttribute("aria-invalid", String(wrong));
  field.focus();
}

function explain({ message, code, status, requestId }) {
  if (status === undefined) return "The server cannot be reached. Does it still run?";
  return `${message} (${[status, code, requestId && `request ${requestId}`].filter(Boolean).join(", ")})`;
}

function open(tokens) {
  gate.hidden = true;
  columns.hidden = false;
  forget.hidden = false;
  const open = people.map((person, index) => {
    const room = new Room({ name: "general", presence: "full", token: (options) => tokens[index].token(options) });
    columns.append(new Column(room, person).element);
    room.connect();
    return room;
  });
  addEventListener("online", () =>
    open.filter(({ state }) => state.name === "waiting").forEach((room) => room.connect()),
  );
  // On a phone it would open the keyboard over what there is to see.
  if (matchMedia("(hover: hover)").matches) document.querySelector("#message-ada").focus({ preventScroll: true });
}
