/** A part of what a store holds: a component renders again when that part has changed, and not with every change of the whole. */
import { useMemo, useSyncExternalStore } from "react";
import type { Room, RoomSnapshot } from "../client.ts";
import { type RoomState, storeOf } from "./roomStore.ts";

/** The same function, that answers with the value of before where it is made of the same parts. */
export function steady<State, Selected>(select: (state: State) => Selected): (state: State) => Selected {
  let of: State | undefined;
  let value = undefined as Selected;
  return (state) => {
    if (state === of) return value;
    of = state;
    const next = select(state);
    if (!same(value, next, 2)) value = next;
    return value;
  };
}

/** `select` is to be the same function while it selects the same. */
export function useSelected<Data, Selected>(room: Room<Data>, select: (state: RoomState<Data>) => Selected): Selected {
  const store = storeOf(room);
  const selected = useMemo(() => steady(select), [store, select]);
  return useSyncExternalStore(
    store.subscribe,
    () => selected(store.state),
    () => selected(store.before),
  );
}

/**
 * Anything of `room.snapshot`: `useRoomState(room, ({ receipts }) => receipts)`. The component renders again when the value is another
 * one; of an object or array, when one of its parts is.
 */
export function useRoomState<Data, Selected>(
  room: Room<Data>,
  select: (snapshot: RoomSnapshot<Data>) => Selected,
): Selected {
  return useSelected(room, ({ snapshot }) => select(snapshot));
}

/** The same value, or one of the same parts. */
function same(one: unknown, other: unknown, depth: number): boolean {
  if (Object.is(one, other)) return true;
  if (depth === 0 || !(one instanceof Object && other instanceof Object)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => name in other && same(Reflect.get(one, name), Reflect.get(other, name), depth - 1))
  );
}
