/** `npm run dev:console`: the console from its sources, each saved change shown at once, over a Parley that runs (`PARLEY_URL`). */
import { createServer } from "vite";
import { consoleConfig } from "./viteConfig.ts";

const target = process.env["PARLEY_URL"] ?? "http://127.0.0.1:8787";
const paths = ["/v1", "/docs", "/errors", "/openapi.json", "/health", "/favicon.svg", "/assets"];
const server = await createServer({
  ...consoleConfig,
  logLevel: "info",
  server: { host: "127.0.0.1", proxy: Object.fromEntries(paths.map((path) => [path, { target, ws: true }])) },
});
await server.listen();
server.printUrls();
