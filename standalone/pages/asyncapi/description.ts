/** `/asyncapi.json`: every connection and every frame, by AsyncAPI 3.0, from the schemas that the server itself parses by. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../../bundle.ts";
import { answersTo, type Channel, channels, closeCodes, exampleOf } from "./channels.ts";
import { type Kind, type Schema, schemas } from "./schemas.ts";

const bearer = {
  token: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "A user's token, which grants `read` in the room.",
  },
  apiKey: {
    type: "http",
    scheme: "bearer",
    description: "An API key: parley_…, for programs; `Parley-User` says for whom.",
  },
};
const securitySchemes = {
  ...bearer,
  subprotocol: {
    type: "httpApiKey",
    in: "header",
    name: "Sec-WebSocket-Protocol",
    description: "From a browser, which sets no headers: `parley.v1, bearer.<token>`. The server selects `parley.v1`.",
  },
  ticket: {
    type: "httpApiKey",
    in: "query",
    name: "ticket",
    description: "For one opening of a stream, within a minute.",
  },
};

const description = `Rooms with ordered, durable messages. What goes over HTTP is in /openapi.json; the errors are at /errors, the limits at /limits.

Operations are Parley's own: it receives what clients say, and sends what it tells. **The range of a close code is the instruction**: on 4400 to 4499 come back with the cursor, on 4500 to 4599 do not.`;

const ref = (...path: string[]): { $ref: string } => ({ $ref: `#/${path.join("/")}` });

export function asyncApi(): object {
  const { version, license } = JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8"));
  const entries = Object.entries(channels);
  const messages = entries.flatMap(([, channel]) =>
    [...channel.said, ...channel.told].map((kind) => [kind.schema, messageOf(channel, kind)] as const),
  );
  return {
    asyncapi: "3.0.0",
    info: { title: "Parley", version, description, license: { name: license } },
    defaultContentType: "application/json",
    servers: {
      sockets: { ...host, protocol: "wss", security: securityOf("token", "apiKey", "subprotocol") },
      streams: { ...host, protocol: "https", security: securityOf("token", "apiKey", "ticket") },
    },
    channels: Object.fromEntries(entries.map(([name, channel]) => [name, channelOf(channel)])),
    operations: Object.fromEntries(entries.flatMap(([name, channel]) => operationsOf(name, channel))),
    components: { schemas, messages: Object.fromEntries(messages), securitySchemes },
  };
}

const host = {
  host: "{host}",
  variables: {
    host: { default: "parley.example.com", description: "On one machine 127.0.0.1:8787, and ws and http." },
  },
};

function securityOf(...names: readonly (keyof typeof securitySchemes)[]): object[] {
  return names.map((name) => ref("components", "securitySchemes", name));
}

const parameters: Readonly<Record<string, object>> = {
  room: { description: "A room's name: letters, digits and . _ : -" },
  id: { description: "A message's id." },
};

function channelOf({ address, server, title, description: text, query, said, told }: Channel): object {
  const named = [...address.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const isSocket = server === "sockets";
  return {
    address,
    title,
    description: text,
    servers: [ref("servers", server)],
    parameters: Object.fromEntries(named.map((name) => [name, parameters[name]])),
    messages: Object.fromEntries(
      [...said, ...told].map(({ schema }) => [schema, ref("components", "messages", schema)]),
    ),
    ...(isSocket ? { bindings: { ws: { method: "GET", query: objectOf(query), bindingVersion: "0.1.0" } } } : {}),
    ...(isSocket ? { "x-close-codes": closeCodes } : {}),
  };
}

function objectOf(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: "object", properties };
}

function messageOf(channel: Channel, kind: Kind): object {
  const { type, schema } = kind;
  const isEvent = channel.server === "streams";
  const hasId = type === "changes" || (schema.startsWith("Text") && isEvent);
  const id = hasId ? { id: { type: "string", description: "Where the reader stands after it." } } : {};
  return {
    name: type,
    title: type,
    payload: ref("components", "schemas", schema),
    ...(isEvent ? { headers: objectOf({ event: { const: type }, ...id }) } : {}),
    examples: [{ payload: exampleOf(channel, kind) }],
  };
}

function operationsOf(name: string, channel: Channel): [string, object][] {
  const { said, told, query, server } = channel;
  const at = ref("channels", name);
  const message = ({ schema }: Kind): object => ref("channels", name, "messages", schema);
  const receive = said.map((kind): [string, object] => {
    const replies = told.filter(({ type }) => answersTo(kind.type).includes(type)).map(message);
    return [
      `${name}.${kind.type}`,
      { action: "receive", channel: at, messages: [message(kind)], reply: { channel: at, messages: replies } },
    ];
  });
  const bindings = { http: { method: "GET", query: objectOf(query), bindingVersion: "0.3.0" } };
  const send = { action: "send", channel: at, messages: told.map(message) };
  return [...receive, [`${name}.tell`, server === "streams" ? { ...send, bindings } : send]];
}
