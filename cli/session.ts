/** The client SDK as a command has it: for one room, with the key itself or with a token for a user. */
import { WebSocket } from "ws";
import type { RoomCapability } from "../src/protocol/capabilities.ts";
import { CreatedToken, LimitsAnswer } from "../src/protocol/http.ts";
import { type Client, createClient, ParleyError } from "../src/client/client.ts";
import type { Context } from "./command.ts";
import { Refused, Unreachable } from "./failure.ts";

export interface Wish {
  readonly room: string;
  readonly user: string | undefined;
  readonly rights: readonly RoomCapability[];
}

/** Longer than any pause of the connection, and renewed by the client. */
const tokenSeconds = 3_600;
/** For the last words of a connection. */
const farewellMs = 500;

/** Throws at once what the client would try again and again: a wrong key, nobody there. */
export async function open(wish: Wish, { api, access }: Context): Promise<Client> {
  const getToken = (): Promise<string> | string => (wish.user === undefined ? access.key() : minted());
  async function minted(): Promise<string> {
    const body = { user: wish.user, rooms: { [wish.room]: wish.rights }, expiresInSeconds: tokenSeconds };
    return (await api.ask("/v1/tokens", CreatedToken, { method: "POST", body })).token;
  }
  await api.ask("/v1/limits", LimitsAnswer, { user: wish.user });
  await getToken();
  return createClient({
    url: access.url,
    WebSocket,
    getToken: async () => {
      try {
        return await getToken();
      } catch (error) {
        throw asClientError(error);
      }
    },
  });
}

/** When somebody says that it is enough, by Ctrl-C or from another program. Rejects with what `failing` says. */
export function interrupted(failing?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
    failing?.addEventListener("abort", () => reject(failing.reason));
  });
}

/** The process ends with it. */
export function leave(client: Client): void {
  client.close();
  endSoon();
}

/** Whatever is still to come. */
export function endSoon(): void {
  setTimeout(() => process.exit(), farewellMs).unref();
}

function asClientError(error: unknown): unknown {
  if (error instanceof Unreachable) return new ParleyError("network", error.message, { retryable: true });
  if (!(error instanceof Refused)) return error;
  return new ParleyError(error.refusal.code, error.refusal.detail, error.refusal);
}
