/** Shows a folder's `index.html` with its `page`, and lets routes answer. Your framework does this for you: nothing of Parley is in here. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { build } from "esbuild";
import { url } from "./parley.ts";

type Route = (request: Request) => Response | Promise<Response>;
/** By method and path: `"POST /ask"`. */
type Routes = Readonly<Record<string, Route>>;

/** On `PORT`, 3000 by default, of this machine alone. */
export async function showPage(folder: string, routes: Routes): Promise<void> {
  const script = await bundle(join(folder, "page"));
  const html = readFileSync(join(folder, "index.html"), "utf8");
  const files: Routes = {
    "GET /": () => new Response(html, { headers: { "Content-Type": "text/html; charset=utf-8" } }),
    "GET /page.js": () => new Response(script, { headers: { "Content-Type": "text/javascript; charset=utf-8" } }),
    "GET /favicon.ico": () => new Response(null, { status: 204 }),
  };
  const server = createServer((incoming, outgoing) => void answer({ ...files, ...routes }, incoming, outgoing));
  server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  console.log(`open http://127.0.0.1:${typeof address === "object" ? address?.port : address}`);
}

async function bundle(path: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
    jsx: "automatic",
    define: { "process.env.NEXT_PUBLIC_PARLEY_URL": JSON.stringify(url), "process.env.NODE_ENV": '"production"' },
  });
  return outputFiles[0]?.text ?? "";
}

async function answer(routes: Routes, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const request = await requestOf(incoming);
  const route = routes[`${request.method} ${new URL(request.url).pathname}`] ?? nothing;
  const response = await respond(route, request);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}

async function respond(route: Route, request: Request): Promise<Response> {
  try {
    return await route(request);
  } catch (error) {
    console.error(error);
    return new Response("Something went wrong.", { status: 500 });
  }
}

const nothing = (): Response => new Response("There is nothing here.", { status: 404 });

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const { method = "GET", headers } = incoming;
  const body = Buffer.concat(await incoming.toArray());
  return new Request(`http://${headers.host}${incoming.url}`, {
    method,
    headers: Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
    body: body.length > 0 ? body : null,
  });
}
