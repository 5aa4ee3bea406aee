/** Shows the page, and has a model answer what is asked there: before the eyes of all who have the page open. */
import { createClient } from "parley/client";
import * as z from "zod";
import { showPage } from "../pageServer.ts";
import { newToken, url } from "../parley.ts";
import { answer } from "./answer.ts";

const client = createClient({
  url,
  getToken: () => newToken({ user: "model", name: "The model", rooms: { "ai-stream": ["read", "publish", "stream"] } }),
});
const room = client.room("ai-stream", { backlog: 0 });
// Who is in the room hears at once that a message is stopped.
room.subscribe(() => undefined);

const Question = z.object({ id: z.int(), prompt: z.string().min(1) });
const Stop = z.object({ id: z.int() });

await showPage(import.meta.dirname, {
  "POST /token": async (request) => {
    const user = await request.text();
    return new Response(await newToken({ user, rooms: { "ai-stream": ["read", "publish"] } }));
  },
  // Whoever asked may close the page: the answer is the room's affair. In real life only your own users ask, for it costs you something.
  "POST /ask": async (request) => {
    const { id, prompt } = Question.parse(await request.json());
    answer(room, prompt, id).catch((error: unknown) => console.error(error));
    return new Response(null, { status: 202 });
  },
  // It need not be this server that is streaming it.
  "POST /stop": async (request) => {
    const { id } = Stop.parse(await request.json());
    await room.cancel(id);
    return new Response(null, { status: 204 });
  },
});
