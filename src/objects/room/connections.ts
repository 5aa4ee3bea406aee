/** How many sockets this process holds, over all its rooms. */

/**
 * Where rooms and the Worker share one process (`npm start`), the edge refuses an upgrade before descriptors run out, of which
 * workerd would die. A room that loses its memory keeps its sockets, so the count outlives the room's object.
 */
const byRoom = new Map<string, number>();
let open = 0;
/**
 * What no room counts: upgrades that were let in and are not yet a socket of their room (in a storm, more than there are
 * places), and connections that the Worker holds itself.
 */
const taken = new Set<string>();

export function countConnections(room: string, sockets: number): void {
  open += sockets - (byRoom.get(room) ?? 0);
  if (sockets === 0) byRoom.delete(room);
  else byRoom.set(room, sockets);
}

/** Takes a place for a connection, unless all are taken. */
export function takePlace(connection: string, places: number): boolean {
  if (open + taken.size >= places) return false;
  taken.add(connection);
  return true;
}

/** Its room counts it now, or it has ended, or it was refused. */
export function leavePlace(connection: string): void {
  taken.delete(connection);
}
