/** What only a server may do, for it holds the API key: a page never sees that. */
import { hc, type InferRequestType } from "hono/client";
import type { AppType } from "parley/api";

export const url = process.env.PARLEY_URL ?? "http://127.0.0.1:8787";
const key = process.env.PARLEY_KEY;
if (key === undefined) throw new Error("Set PARLEY_KEY to the key that `npm start` has printed.");

/** The whole API, typed. */
type Api = ReturnType<typeof hc<AppType>>;
const api: Api = hc<AppType>(url, { headers: { Authorization: `Bearer ${key}` } });

type NewToken = InferRequestType<Api["v1"]["tokens"]["$post"]>["json"];

/** Who may do what in which rooms: `{ user: "ada", rooms: { general: ["read", "publish"] } }`. */
export async function newToken(wish: NewToken): Promise<string> {
  const answer = await api.v1.tokens.$post({ json: wish });
  if (answer.ok) return (await answer.json()).token;
  const { code, detail } = await answer.json();
  throw new Error(`${code}: ${detail}`);
}

/** For a room in which nobody publishes: others come to be with their first message. */
export async function ensureRoom(room: string): Promise<void> {
  const answer = await api.v1.rooms[":room"].$put({ param: { room }, json: {} });
  if (!answer.ok) throw new Error((await answer.json()).detail);
}
