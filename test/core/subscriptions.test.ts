import { expect, test } from "vitest";
import { wantedBy } from "../../src/core/subscriptions.ts";

const id = (letter: string): string => `w${letter.repeat(12)}`;

test("[N11] an endpoint hears of the events that it names, by type, by group or all, in the rooms that it names", () => {
  const subscriptions = [
    { id: id("a"), events: ["*"] },
    { id: id("b"), events: ["message.*", "room.vacated"], rooms: ["team:*", "lobby"] },
    { id: id("c"), events: ["message.created", "dream.begun"], rooms: ["*"] },
    { id: id("d"), events: ["*"], isDisabled: true },
  ];
  const wanted = (room: string | null, type: Parameters<typeof wantedBy>[2]): string =>
    wantedBy(subscriptions, room, type)
      .map((found) => found.charAt(1))
      .join("");
  expect(wanted("team:1", "message.created")).toBe("abc");
  expect(wanted("team:1:sub", "message.deleted")).toBe("ab");
  expect(wanted("team", "message.deleted")).toBe("a");
  expect(wanted("lobby", "room.vacated")).toBe("ab");
  expect(wanted("lobby", "room.occupied")).toBe("a");
  expect(wanted(null, "moderation.banned")).toBe("a");
  expect(wantedBy([], "lobby", "message.created")).toEqual([]);
});
