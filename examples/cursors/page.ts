/** Everybody's pointer on everybody's page. It is said as presence: shown to who is here, stored nowhere, gone with its owner. */
import { createClient } from "parley/client";
import { element } from "../element.ts";
import { type Pointer, pointerOf } from "./pointer.ts";

const user = `guest-${Math.floor(100_000 * Math.random())}`;

const client = createClient({
  url: process.env.NEXT_PUBLIC_PARLEY_URL ?? "",
  getToken: async () => (await fetch("/token", { method: "POST", body: user })).text(),
});
const room = client.room("cursors", { backlog: 0 });

/** As often as the pointer moves: the client says the newest ten times a second. Null takes the cursor away. */
const show = (pointer: Pointer | null): void => room.presence.set(pointer);
addEventListener("pointermove", ({ clientX, clientY }) => show({ x: clientX / innerWidth, y: clientY / innerHeight }));
document.documentElement.addEventListener("pointerleave", () => show(null));

const say = (text: string): void => void (element("count").textContent = text);
room.on("error", ({ message }) => say(message));

const cursors = new Map<string, HTMLElement>();
room.subscribe(({ present }) => {
  const others = present.filter((member) => member.user !== user);
  const pointers = new Map(others.map((member) => [member.user, pointerOf(member.state)]));
  for (const [name, cursor] of cursors) {
    if (pointers.get(name)) continue;
    cursor.remove();
    cursors.delete(name);
  }
  for (const [name, pointer] of pointers) if (pointer !== null) draw(name, pointer);
  say(others.length === 0 ? "Nobody else is here yet." : `Others who are here: ${others.length}`);
});

function draw(name: string, { x, y }: Pointer): void {
  const cursor = cursors.get(name) ?? newCursor(name);
  // Parts of the window, so that they mean the same in another one of another size.
  cursor.style.transform = `translate(${x * innerWidth}px, ${y * innerHeight}px)`;
}

function newCursor(name: string): HTMLElement {
  const cursor = document.createElement("div");
  const arrow = document.querySelector("template")?.content.cloneNode(true) ?? "";
  const label = document.createElement("b");
  label.textContent = name;
  cursor.className = "cursor";
  cursor.style.color = `hsl(${Number(name.replaceAll(/\D/g, "")) % 360} 60% 42%)`;
  cursor.append(arrow, label);
  element("cursors").append(cursor);
  cursors.set(name, cursor);
  return cursor;
}
