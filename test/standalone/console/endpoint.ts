/** A server that webhooks are sent to, which is out of order until it is mended. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "vitest";

export interface Endpoint {
  readonly url: string;
  /** From now on everything arrives. */
  readonly mend: () => void;
  /** The types of the events that arrived. */
  readonly arrived: () => string[];
}

export async function startEndpoint(context: TestContext): Promise<Endpoint> {
  let isBroken = true;
  const types: string[] = [];
  const server = createServer((request, response) => {
    void request
      .setEncoding("utf8")
      .toArray()
      .then((body) => {
        if (!isBroken) types.push(JSON.parse(body.join("")).type);
        response.writeHead(isBroken ? 500 : 200).end();
      });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/events`, mend: () => (isBroken = false), arrived: () => types };
}
