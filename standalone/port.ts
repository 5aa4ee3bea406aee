/** The port, free before workerd wants it: workerd's own complaint is a stack. */
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure, systemCode } from "./failure.ts";

// A server killed a moment ago still holds its port while the kernel takes its sockets down.
const patienceMs = 5_000;

/** Throws a Failure when it cannot be had within the patience. */
export async function waitForPort(host: string, port: number): Promise<void> {
  const deadlineMs = Date.now() + patienceMs;
  for (;;) {
    const refusal = await tryPort(host, port);
    if (refusal === undefined) return;
    if (refusal !== "EADDRINUSE") throw new Failure(`cannot listen on ${host}:${port}: ${refusal}`);
    if (Date.now() > deadlineMs)
      throw new Failure(`port ${port} of ${host} is in use: stop what holds it, or set PORT`);
    await sleep(100);
  }
}

async function tryPort(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, "listening");
    server.close();
    await once(server, "close");
    return undefined;
  } catch (error) {
    return systemCode(error) ?? String(error);
  }
}
