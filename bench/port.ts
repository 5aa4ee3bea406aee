/** A TCP port of the loopback interface that was free a moment ago, for servers that cannot choose one themselves. */
import { createServer } from "node:net";

/** Below those that systems give to outgoing connections: one of them would take it before the server does. */
const lowest = 20_000;
const count = 10_000;
const attempts = 20;

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const port = lowest + Math.floor(Math.random() * count);
    if (await isFree(port)) return port;
  }
  throw new Error("no port");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
