/** Who is in the room, as one column sees it: a face for each of a few, their number, and their names when asked for. */
import { say } from "./message.js";

const facesMax = 6;

export class HereView {
  #element;
  #faces = new Map();
  #names = new Map();

  constructor(element) {
    this.#element = element;
  }

  /** `live`: as of now; otherwise as it was when the connection went. */
  show({ count, members }, user, live) {
    const ordered = members.toSorted((one, other) => order(one, user) - order(other, user) || compare(one, other));
    const people = ordered.map((member) => ({
      key: member.user,
      initial: initialOf(member.name ?? member.user),
      title: titleOf(member, user),
      faint: false,
    }));
    const missing = count - people.length;
    const rest = missing > 0 ? [{ key: "", title: `and ${missing.toLocaleString("en")} more`, faint: true }] : [];
    const part = (selector) => this.#element.querySelector(selector);
    this.#faces = arrange(part(".faces"), this.#faces, people.slice(0, facesMax), makeFace, showFace);
    this.#names = arrange(part(".names"), this.#names, [...people, ...rest], makeName, showName);
    say(part(".here-count"), count === null ? "" : `${count.toLocaleString("en")} ${live ? "" : "were "}here`);
  }
}

/** One's own face first, the others where they always are. */
function order(member, user) {
  return member.user === user ? 0 : 1;
}

function compare(one, other) {
  return one.user < other.user ? -1 : 1;
}

function titleOf({ user, name }, ownUser) {
  return user === ownUser ? `${name ?? user} (you)` : (name ?? user);
}

function makeFace() {
  const face = document.createElement("span");
  face.className = "face";
  return face;
}

function showFace(face, { initial, title }) {
  say(face, initial);
  if (face.title !== title) face.title = title;
}

function makeName() {
  return document.createElement("li");
}

function showName(row, { title, faint }) {
  say(row, title);
  row.classList.toggle("faint", faint);
}

/** The first character, not half of one. */
export function initialOf(name) {
  return ([...name][0] ?? "").toUpperCase();
}

/** Keeps the element of everyone who stays, so that nothing flickers. Gives the elements by key. */
function arrange(list, before, items, make, show) {
  const after = new Map(items.map(({ key }) => [key, before.get(key) ?? make()]));
  for (const [key, element] of before) if (!after.has(key)) element.remove();
  let place = list.firstElementChild;
  for (const item of items) {
    const element = after.get(item.key);
    show(element, item);
    if (element === place) place = place.nextElementSibling;
    else list.insertBefore(element, place);
  }
  return after;
}
