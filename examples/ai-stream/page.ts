/** What is asked and answered, as it grows, in every window alike. Any of them stops an answer. */
import { createClient, type Message } from "parley/client";
import { element } from "../element.ts";

const user = `guest-${Math.floor(100_000 * Math.random())}`;
const client = createClient({
  url: process.env.NEXT_PUBLIC_PARLEY_URL ?? "",
  getToken: async () => (await fetch("/token", { method: "POST", body: user })).text(),
});
const room = client.room("ai-stream");

let growing: Message | undefined;
room.subscribe(({ messages }) => {
  const list = element("messages");
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  for (const message of messages) show(message);
  if (isAtEnd) list.scrollTop = list.scrollHeight;
  growing = messages.findLast(({ status }) => status === "streaming");
  element("stop").toggleAttribute("disabled", growing === undefined);
});

/** Also one that has grown: its text is all of it so far, whenever this page was opened. */
function show({ id, sender, text, status }: Message): void {
  const article = document.getElementById(`message-${id}`) ?? newArticle(id);
  article.dataset.status = status;
  const [header, paragraph] = article.children;
  const isStopped = status === "cancelled" || status === "failed" || status === "interrupted";
  if (header) header.textContent = `${sender?.name ?? sender?.id}${isStopped ? `, ${status}` : ""}`;
  if (paragraph) paragraph.textContent = text;
}

function newArticle(id: number): HTMLElement {
  const article = document.createElement("article");
  article.id = `message-${id}`;
  article.append(document.createElement("header"), document.createElement("p"));
  element("messages").append(article);
  return article;
}

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!(event.target instanceof HTMLFormElement)) return;
  const prompt = new FormData(event.target).get("prompt");
  event.target.reset();
  if (typeof prompt === "string") say(ask(prompt));
});

async function ask(prompt: string): Promise<void> {
  const { id } = await room.publish({ text: prompt });
  await post("/ask", { id, prompt });
}

element("stop").addEventListener("click", () => growing && say(post("/stop", { id: growing.id })));

async function post(path: string, body: object): Promise<void> {
  const { ok, status } = await fetch(path, { method: "POST", body: JSON.stringify(body) });
  if (!ok) throw new Error(`The server has answered ${status}.`);
}

/** What went wrong, until something goes well. */
function say(done: Promise<void>): void {
  const note = element("note");
  done.then(
    () => (note.textContent = ""),
    (error: unknown) => (note.textContent = String(error)),
  );
}
