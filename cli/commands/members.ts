/** Members of a room. */
import { Member } from "../../src/protocol/message.ts";
import { command } from "../command.ts";
import { list } from "../listing.ts";
import { pageOptions, roomWord } from "../options.ts";

export const members = command({
  name: "members",
  summary: "List the members of a room by user; a removed one has no role",
  example: "npx parley members general",
  words: { room: roomWord },
  options: pageOptions,
  run: ({ room, ...given }, context) =>
    list(
      {
        ...given,
        path: `/v1/rooms/${room}/members`,
        item: Member,
        columns: {
          user: ({ user }) => user,
          name: ({ name }) => name ?? "-",
          role: ({ role }) => role ?? "removed",
        },
        none: "The room has no members. Whoever has the right to it may enter all the same.",
      },
      context,
    ),
});
