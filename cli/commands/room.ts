/** Rooms of a tenant. */
import * as z from "zod";
import { RoomInfo, RoomListing } from "../../src/protocol/http.ts";
import { command } from "../command.ts";
import { list } from "../listing.ts";
import { pageOptions, roomWord } from "../options.ts";
import { card } from "../table.ts";
import { localTime } from "../time.ts";

export const roomList = command({
  name: "room list",
  summary: "List rooms by name, with counts that are at most 10 seconds old",
  example: "npx parley room list --prefix team:",
  words: {},
  options: {
    ...pageOptions,
    prefix: { text: "only those whose names begin so", value: "text", schema: z.string().max(128).optional() },
  },
  run: ({ prefix, ...given }, context) =>
    list(
      {
        ...given,
        path: "/v1/rooms",
        query: { prefix },
        item: RoomListing,
        columns: {
          room: ({ name }) => name,
          messages: ({ messages }) => String(messages),
          members: ({ members }) => String(members),
          online: ({ online }) => String(online),
          "last activity": ({ lastActivityAt }) => localTime(lastActivityAt),
        },
        none: "There are no rooms.",
      },
      context,
    ),
});

export const roomGet = command({
  name: "room get",
  summary: "Show a room and its settings",
  example: "npx parley room get general",
  words: { room: roomWord },
  options: {},
  async run({ room }, { api, terminal, json }) {
    const found = await api.ask(`/v1/rooms/${room}`, RoomInfo);
    if (json) return terminal.json(found);
    const settings = Object.entries(found.settings).map(([name, value]) => [
      name,
      String(value ?? "as the tenant says"),
    ]);
    card(terminal, {
      room: found.name,
      changes: String(found.head),
      oldest: `#${found.oldest}`,
      cursor: found.cursor,
      online: String(found.online),
      ...Object.fromEntries(settings),
    });
  },
});
