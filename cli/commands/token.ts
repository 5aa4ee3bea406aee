/** A token for a user: what a tenant's own server makes for its pages. */
import * as z from "zod";
import { roomCapabilities } from "../../src/protocol/capabilities.ts";
import { CreatedToken } from "../../src/protocol/http.ts";
import { DisplayName } from "../../src/protocol/names.ts";
import { RoomPattern } from "../../src/protocol/roomPattern.ts";
import { command } from "../command.ts";
import { userWord } from "../options.ts";
import { Duration, localTime } from "../time.ts";

const Rights = z.array(z.enum(roomCapabilities, `rights are some of ${roomCapabilities.join(", ")}`));
/** `general=read,publish` */
const Grant = z
  .string()
  .regex(/^[^=]+=[^=]+$/, "a room or a pattern, =, and rights: general=read,publish")
  .transform((text) => {
    const [pattern = "", rights = ""] = text.split("=");
    return { pattern, rights: rights.split(",") };
  })
  .pipe(z.object({ pattern: RoomPattern, rights: Rights }));

export const token = command({
  name: "token",
  summary: "Make a token for a user",
  more: "The token alone goes to stdout, to be used at once: TOKEN=$(npx parley token ada --room general=read)",
  example: "npx parley token ada --name Ada --room general=read,publish --room 'team:*=read' --ttl 1h",
  words: { user: userWord },
  options: {
    room: {
      text: "a room or a pattern, and the rights in it; may be given several times",
      value: "room=rights",
      isMany: true,
      schema: z.array(Grant, "say which rooms: --room general=read,publish"),
    },
    name: { text: "what others see", value: "name", schema: DisplayName.optional() },
    ttl: { text: "how long it lives, 24h at most; 1h unless said", value: "time", schema: Duration.default(3_600) },
  },
  async run({ user, room, name, ttl }, { api, terminal, json }) {
    const rooms: Record<string, string[]> = {};
    for (const { pattern, rights } of room) rooms[pattern] = [...(rooms[pattern] ?? []), ...rights];
    const body = { user, name, rooms, expiresInSeconds: ttl };
    const made = await api.ask("/v1/tokens", CreatedToken, { method: "POST", body });
    if (json) return terminal.json(made);
    terminal.note(`For ${user}, until ${localTime(made.expiresAt)}:`);
    terminal.line(made.token);
  },
});
