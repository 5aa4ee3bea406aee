/** How many sockets this process holds, over all its rooms. */

/**
 * Where rooms and the Worker share one process (`npm start`), the edge refuses an upgrade before descriptors run out, of which
 * workerd would die. A room that loses its memory keeps its sockets, so the count outlives the room's object.
 */
const byRoom = new Map<string, number>();
let open = 0;

export function countConnections(room: string, sockets: number): void {
  open += sockets - (byRoom.get(room) ?? 0);
  if (sockets === 0) byRoom.delete(room);
  else byRoom.set(room, sockets);
}

export function openConnections(): number {
  return open;
}
