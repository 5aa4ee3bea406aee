/** A model behind any endpoint that speaks OpenAI's protocol: `MODEL_URL`, `MODEL_KEY`, `MODEL`. */
import { EventSourceParserStream } from "eventsource-parser/stream";
import * as z from "zod";

const { MODEL_URL = "http://127.0.0.1:11434/v1", MODEL_KEY = "", MODEL = "gpt-4o-mini" } = process.env;

const Piece = z.object({ choices: z.array(z.object({ delta: z.object({ content: z.string().nullish() }) })) });

/** Piece by piece. Throws when it does not come to its end. */
export async function* saidBy(prompt: string, signal: AbortSignal): AsyncGenerator<string> {
  const response = await fetch(`${MODEL_URL}/chat/completions`, {
    method: "POST",
    headers: { Authorization: `Bearer ${MODEL_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify({ model: MODEL, stream: true, messages: [{ role: "user", content: prompt }] }),
    signal,
  });
  if (!response.ok || response.body === null) throw new Error(`The model has answered ${response.status}.`);
  const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  for await (const { data } of events) {
    if (data === "[DONE]") return;
    yield Piece.parse(JSON.parse(data)).choices[0]?.delta.content ?? "";
  }
  throw new Error("The model has stopped in the midst of its answer.");
}
