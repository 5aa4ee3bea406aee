/** What happens in a room beside its messages, as far as this tab has seen it. */
import { useEffect, useRef, useState } from "react";
import type { Room, RoomSnapshot } from "../../src/client/client.ts";

export interface Happening {
  readonly key: number;
  readonly atMs: number;
  readonly text: string;
}

/** The newest first. */
const kept = 50;
const whys = {
  expired: "what came since is kept no more",
  epoch: "the history is another one",
  ahead: "the server knows less than this tab",
  too_far: "too much came since",
} as const;
let keys = 0;

export function useActivity(room: Room, snapshot: RoomSnapshot): readonly Happening[] {
  const [happenings, setHappenings] = useState<readonly Happening[]>([]);
  const before = useRef<RoomSnapshot | null>(null);
  const add = (texts: readonly string[]): void => {
    if (texts.length === 0) return;
    const fresh = texts.map((text) => ({ key: ++keys, atMs: Date.now(), text }));
    setHappenings((known) => [...fresh.toReversed(), ...known].slice(0, kept));
  };
  useEffect(() => {
    const was = before.current;
    before.current = snapshot;
    if (was !== null) add(differences(was, snapshot));
  }, [snapshot]);
  useEffect(() => {
    before.current = null;
    setHappenings([]);
    const ends = [
      room.on("gap", ({ reason }) => add([`Begun anew: ${whys[reason]}`])),
      room.on("limit", ({ scope, remaining, limit }) => add([`Limit ${scope}: ${remaining} of ${limit} left`])),
      room.on("error", ({ code, message }) => add([`${code}: ${message}`])),
    ];
    return () => {
      for (const end of ends) end();
    };
  }, [room]);
  return happenings;
}

/** Nothing where the room was entered, or left, between them: what was there before has not happened now. */
export function differences(was: RoomSnapshot, now: RoomSnapshot): string[] {
  if (now.status !== was.status) return [`This tab is ${now.status}`];
  if (now.status !== "live") return [];
  return [...comings(was, now), ...roles(was, now), ...settings(was, now)];
}

function comings(was: RoomSnapshot, now: RoomSnapshot): string[] {
  if (was.present === now.present) return [];
  const [before, after] = [usersOf(was), usersOf(now)];
  const came = [...after].filter((user) => !before.has(user)).map((user) => `${user} came`);
  const left = [...before].filter((user) => !after.has(user)).map((user) => `${user} left`);
  return [...came, ...left];
}

function usersOf({ present }: RoomSnapshot): Set<string> {
  return new Set(present.map(({ user }) => user));
}

function roles(was: RoomSnapshot, now: RoomSnapshot): string[] {
  if (was.members.length === 0) return [];
  const before = new Map(was.members.map(({ user, role }) => [user, role]));
  const after = new Map(now.members.map(({ user, role }) => [user, role]));
  const changed = [...after].filter(([user, role]) => before.get(user) !== role);
  const gone = [...before.keys()].filter((user) => !after.has(user));
  return [
    ...changed.map(([user, role]) => `${user} is ${role}`),
    ...gone.map((user) => `${user} is no member any more`),
  ];
}

function settings(was: RoomSnapshot, now: RoomSnapshot): string[] {
  if (was.settings === null || now.settings === null || was.settings === now.settings) return [];
  const before = new Map<string, unknown>(Object.entries(was.settings));
  return Object.entries(now.settings)
    .filter(([name, value]) => before.get(name) !== value)
    .map(([name, value]) => `Setting ${name}: ${value ?? "as the tenant has it"}`);
}
