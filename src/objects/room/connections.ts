/** How many connections this process holds, over all its rooms, and whose they are. */

/**
 * Where rooms and the Worker share one process (`npm start`), the edge refuses an upgrade before descriptors run out, of which
 * workerd would die. A room that loses its memory keeps its sockets, so the count outlives the room's object.
 */
const byRoom = new Map<string, Map<string, number>>();
let open = 0;
/**
 * What no room counts, and whose it is once that is known: upgrades that were let in and are not yet a socket of their room
 * (in a storm, more than there are places), and connections that the Worker holds itself.
 */
const taken = new Map<string, string | null>();
const byOwner = new Map<string, number>();

/** Of a socket whose other end is our own Worker, which counts the client: it keeps its room's files open and has none itself. */
export const relayed = " relayed";

/** Whose a connection is; null where that is nobody's. */
export type Owner = string | null;

/** A user of a tenant; null for an API key that names none, which is its tenant's server. */
export function ownerOf(tenant: string, user: string | null): string | null {
  return user === null ? null : `${tenant}/${user}`;
}

/** Of a room that has lost its memory: it counts its sockets anew. */
export function forgetConnections(room: string): void {
  for (const [owner, sockets] of byRoom.get(room) ?? []) count(room, owner, -sockets);
}

export function enterRoom(room: string, owner: Owner): void {
  count(room, owner ?? "", 1);
}

export function leaveRoom(room: string, owner: Owner): void {
  count(room, owner ?? "", -1);
}

/** What a process has room for; Infinity where nothing counts. */
export interface Capacity {
  readonly connections: number;
  /** Descriptors. */
  readonly files: number;
}

/** One to each side of the process, as seen with workerd of November 2026. */
const filesOfConnection = 2;
/** Its database, the log beside it and the log's index: open while the room is awake, and one push may wake them all. */
const filesOfRoom = 3;

/** Takes a place for a connection, unless all are taken. */
export function takePlace(connection: string, { connections, files }: Capacity): boolean {
  const held = open + taken.size;
  if (held >= connections) return false;
  if ((held + 1) * filesOfConnection + (byRoom.size + 1) * filesOfRoom > files) return false;
  taken.set(connection, null);
  return true;
}

/** Says whose the place is, unless its user has as many as he may. */
export function claimPlace(connection: string, owner: string | null, most: number): boolean {
  if (owner === null) return true;
  if ((byOwner.get(owner) ?? 0) >= most) return false;
  taken.set(connection, owner);
  add(owner, 1);
  return true;
}

/** Its room counts it now, or it has ended, or it was refused. */
export function leavePlace(connection: string): void {
  const owner = taken.get(connection);
  if (taken.delete(connection) && typeof owner === "string") add(owner, -1);
}

function count(room: string, owner: string, change: number): void {
  const owners = byRoom.get(room) ?? new Map<string, number>();
  const sockets = (owners.get(owner) ?? 0) + change;
  if (sockets > 0) owners.set(owner, sockets);
  else owners.delete(owner);
  if (owners.size > 0) byRoom.set(room, owners);
  else byRoom.delete(room);
  if (owner === relayed) return;
  open += change;
  if (owner !== "") add(owner, change);
}

function add(owner: string, change: number): void {
  const connections = (byOwner.get(owner) ?? 0) + change;
  if (connections > 0) byOwner.set(owner, connections);
  else byOwner.delete(owner);
}
