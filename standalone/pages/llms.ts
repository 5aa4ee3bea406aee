/** `/llms.txt`, in the form of llmstxt.org: what Parley is, its protocol in brief, and where the rest is to be read as text. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../bundle.ts";
import type { Page, Shelf } from "./page.ts";

export function llmsText(guides: Shelf): string {
  const { description } = JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8"));
  return `# Parley

> ${description}

The protocol \`parley.v1\` in brief:

- A tenant's server holds an API key (\`parley_…\`, \`Authorization: Bearer\`, \`Parley-User\` says for whom) and makes tokens for users: \`POST /v1/tokens {"user", "rooms": {"general": ["read", "publish"]}}\`.
- Publish: \`POST /v1/rooms/{room}/messages {"text"}\` with an \`Idempotency-Key\`. 201 means stored. The same key again is the same message.
- Listen: a WebSocket at \`/v1/rooms/{room}/socket\` with the subprotocols \`parley.v1\` and \`bearer.<token>\`, or Server-Sent Events at \`/v1/rooms/{room}/events\`, or \`GET /v1/rooms/{room}/changes?after=<cursor>&wait=20\`. Many rooms: \`/v1/socket\`, \`/v1/events?rooms=a,b\`.
- Every frame is a JSON object with a \`type\`. First comes \`welcome\`; everything durable is \`{"type":"changes","from":1044,"to":1046,"changes":[…]}\`: apply it if \`from\` is not past your cursor, drop it if \`to\` is at or below it, else connect again with \`?cursor=<epoch>:<seq>\`.
- A client sends \`{"type":"publish","ref":"1","nonce":"<8 to 64 characters>","text":"…"}\` and is answered \`ack\` (stored, with \`id\` and \`seq\`) or \`error\` (\`code\`, \`retryable\`, \`retryAfterMs\`). Without an answer it sends the same nonce again.
- Close codes 4400 to 4499: come back with the cursor. 4500 to 4599: do not.
- Errors over HTTP are \`application/problem+json\`; \`type\` is the address of the page of the \`code\`.
- From TypeScript: \`createClient({ url, getToken })\` of \`parley/client\` does all of this.

Every page is Markdown under its name with \`.md\`, and for \`Accept: text/markdown\`.

## Reference

- [OpenAPI](/openapi.json): every call over HTTP
- [AsyncAPI](/asyncapi.json): every connection and every frame, with examples
- [Errors](/errors.md): every code, what it means, what to do; each has a page, such as [rate_limited](/errors/rate_limited.md)
- [Limits](/limits.md): every limit, with its default and what happens at it

${guides.groups.map(({ title, pages }) => `## ${title}\n\n${pages.map(lineOf).join("\n")}`).join("\n\n")}
`;
}

function lineOf({ path, title, description }: Page): string {
  return description === "" ? `- [${title}](${path}.md)` : `- [${title}](${path}.md): ${description}`;
}
