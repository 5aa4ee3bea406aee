/** A model's endpoint for tests: a real HTTP server that speaks OpenAI's protocol, and answers as the first word of the question says. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { HeldServer } from "./heldServer.ts";

export interface AskedModel {
  readonly body: {
    readonly model: string;
    readonly stream: boolean;
    readonly max_tokens?: number;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
  };
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** Whoever asked has gone before the end. */
  wasLeft: boolean;
}

/** What an endpoint says of itself where it fails: nobody is to read that. */
export const innards = "stack trace at db-17.internal";
export const greeting = "Grüße 👋🏽, world!";

export class ModelServer extends HeldServer {
  readonly asked: AskedModel[] = [];

  get url(): string {
    return `${this.origin}/v1`;
  }

  /** Questions by the first word of what was asked last. */
  of(word: string): AskedModel[] {
    return this.asked.filter(({ body }) => wordOf(body) === word);
  }

  protected override async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = (await request.setEncoding("utf8").toArray()).join("");
    const body: AskedModel["body"] = JSON.parse(text);
    const asked: AskedModel = { body, path: request.url ?? "", headers: request.headers, wasLeft: false };
    this.asked.push(asked);
    response.on("close", () => (asked.wasLeft = !response.writableFinished)).on("error", () => undefined);
    const word = wordOf(body);
    const plain = (status: number, headers: Record<string, string> = {}): void => {
      response.writeHead(status, headers).end(innards);
    };
    if (word === "never") return;
    if (word === "busy" && this.of("busy").length === 1) return plain(429, { "Retry-After": "0" });
    if (word === "down") return plain(500);
    if (word === "denied") return plain(401);
    if (word === "later") return plain(429, { "Retry-After": "3600" });
    if (word === "redirect") return plain(307, { Location: `${this.url}/elsewhere` });
    if (word === "json") {
      const message = { role: "assistant", content: greeting };
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ choices: [{ message }] }));
      return;
    }
    response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
    if (word === "garbage") return void response.end(`data: {"choices":[{"delta":${innards}\n\n`);
    if (word === "flood") return void response.end(`data: {"choices":[{}${",{}".repeat(400_000)}]}\n\n`);
    if (word === "mishap") return void response.write(`${event("Some ")}data: {"error":{"message":"${innards}"}}\n\n`);
    if (word === "empty") return void response.end("data: [DONE]\n\n");
    if (word === "broken") return void response.write(event("Half an ans"), () => request.socket.resetAndDestroy());
    if (word === "cut") return void response.end(event("Half an ans"));
    if (word === "stalls") return void response.write(event("Half an ans"));
    if (word === "endless") return drip(response);
    if (word === "slowly") return slowly(response);
    if (word === "hold") await new Promise<void>((resolve) => this.hold(resolve));
    speak(response, word === "say" ? said(body) : greeting);
  }
}

function said({ messages }: AskedModel["body"]): string {
  return messages.at(-1)?.content.replace(/^[^:]*: \S+ /, "") ?? "";
}

function wordOf({ messages }: AskedModel["body"]): string {
  return (messages.at(-1)?.content ?? "").replace(/^[^:]*: /, "").split(" ")[0] ?? "";
}

function event(content: string): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
}

/** Word by word, with comments and a count of tokens between them, and cut where no reader of lines or characters would cut. */
function speak(response: ServerResponse, text: string): void {
  const words = text.split(/(?<= )/).map(event);
  const usage = 'data: {"choices":[],"usage":{"total_tokens":1}}\r\n\r\n';
  const whole = Buffer.from(`: thinking\n\n${words.join("")}${usage}data: [DONE]\n\n`);
  for (let at = 0; at < whole.length; at += 7) response.write(whole.subarray(at, at + 7));
  response.end();
}

/** The greeting, each of its words by itself. */
function slowly(response: ServerResponse): void {
  const words = greeting.split(/(?<= )/);
  const timer = setInterval(() => {
    const word = words.shift();
    if (word !== undefined) return void response.write(event(word));
    clearInterval(timer);
    response.end("data: [DONE]\n\n");
  }, 60);
}

/** A word now and then, until whoever listens has gone. */
function drip(response: ServerResponse): void {
  let count = 0;
  const timer = setInterval(() => response.write(event(`word${++count} `)), 20);
  response.on("close", () => clearInterval(timer));
}
