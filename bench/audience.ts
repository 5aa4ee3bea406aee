/** Readers of one or many rooms. A place is one reader in one room: what a message of that room is delivered to once. */

export type Listener = (frame: Buffer, place: number, readUs: number) => void;

export interface Audience {
  readonly connections: number;
  readonly places: number;
  /** Why connections went before the audience was dismissed. */
  readonly closed: readonly string[];
  listen(listener: Listener): void;
  dismiss(): Promise<void>;
}

/** One whose connections can also publish. */
export interface Speakers extends Audience {
  /** The n-th message of a room, by index: the room's readers in this audience take turns. */
  publish(room: number, number: number): void;
}

/** Places are numbered room by room. */
export function placeOf(room: number, perRoom: number, reader: number): number {
  return room * perRoom + reader;
}
