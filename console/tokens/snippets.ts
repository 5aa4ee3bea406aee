/** Code that uses a token, ready to run. */

export interface SnippetOptions {
  readonly origin: string;
  readonly token: string;
  /** One that the token is good for. */
  readonly room: string;
}

export function snippets(options: SnippetOptions): readonly { readonly name: string; readonly code: string }[] {
  return [
    { name: "Client", code: withClient(options) },
    { name: "WebSocket", code: withSocket(options) },
    { name: "curl", code: withCurl(options) },
  ];
}

function withClient({ origin, token, room }: SnippetOptions): string {
  return `import { createClient } from "parley/client";

const client = createClient({
  url: "${origin}",
  getToken: () => "${token}",
});
const room = client.room("${room}");
room.subscribe(({ messages }) => console.log(messages.at(-1)?.text));
await room.publish({ text: "Hello, room!" });`;
}

function withSocket({ origin, token, room }: SnippetOptions): string {
  return `const socket = new WebSocket(
  "${origin.replace(/^http/, "ws")}/v1/rooms/${room}/socket",
  ["parley.v1", "bearer.${token}"],
);
socket.onmessage = ({ data }) => console.log(data);
socket.onopen = () =>
  socket.send(JSON.stringify({
    type: "publish", ref: "1", nonce: crypto.randomUUID(), text: "Hello, room!",
  }));`;
}

function withCurl({ origin, token, room }: SnippetOptions): string {
  return `curl ${origin}/v1/rooms/${room}/messages \\
  -H "Authorization: Bearer ${token}" \\
  -H "Content-Type: application/json" -d '{"text":"Hello, room!"}'`;
}
