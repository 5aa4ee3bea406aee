/** A tenant's hook for tests: a real HTTP server, which answers as the text of the message says. */
import { createHmac } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { HookQuestion } from "../../src/protocol/hook.ts";
import { HeldServer } from "./heldServer.ts";

export interface Asked {
  readonly question: HookQuestion;
  readonly body: string;
  readonly headers: IncomingMessage["headers"];
}

/** Those that are held are allowed when they are let go. */
export class HookServer extends HeldServer {
  readonly asked: Asked[] = [];

  get url(): string {
    return `${this.origin}/hook`;
  }

  textsAsked(): (string | null | undefined)[] {
    return this.asked.map(({ question }) => question.message.text);
  }

  protected override async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await request.setEncoding("utf8").toArray()).join("");
    const question: HookQuestion = JSON.parse(body);
    this.asked.push({ question, body, headers: request.headers });
    const [word] = (question.message.text ?? "").split(" ");
    const json = (answer: unknown, status = 200): void => {
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
    };
    if (word === "hold") this.hold(() => json({ allow: true }));
    else if (word === "hang") return;
    else if (word === "no") json({ allow: false, reason: "Be kind." });
    else if (word === "never") json({ allow: false });
    else if (word === "swap") json({ replace: { text: "swapped", data: { by: "hook" } } });
    else if (word === "empty") json({ replace: { text: null } });
    else if (word === "broken") json({ allow: true }, 500);
    else if (word === "strange") json({ allow: "yes" });
    else if (word === "huge") json({ allow: true, more: "x".repeat(65_536) });
    else if (word === "plain") response.writeHead(200, { "Content-Type": "text/plain" }).end('{"allow":true}');
    else if (word === "redirect") response.writeHead(302, { Location: this.url }).end();
    else json({ allow: true, note: "fine" });
  }
}

/** As Standard Webhooks verifies: `whsec_` and base64 of the key, over `id.timestamp.body`. */
export function isSigned(secret: string, { body, headers }: Asked): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
  const expected = `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
  return String(headers["webhook-signature"]).split(" ").includes(expected);
}
