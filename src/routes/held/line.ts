/** A room's frame as a line of JSON, handled without parsing it: every one begins with its type. */

/** `changes` for `{"type":"changes",…}`. */
export function typeOf(line: string): string {
  const end = line.indexOf('"', typeAt);
  if (!line.startsWith('{"type":"') || end < 0) throw new Error("a frame begins with its type");
  return line.slice(typeAt, end);
}

/** The position to which a `changes` frame takes its reader. */
export function positionAfter(line: string): number {
  const to = /^\{"type":"changes","from":[0-9]+,"to":([0-9]+)/.exec(line)?.[1];
  if (to === undefined) throw new Error("a `changes` frame says from where and to where right after its type");
  return Number(to);
}

/** The same frame as one of many rooms'. A room's name needs no escaping; a `welcome` has it already. */
export function inRoom(line: string, room: string): string {
  return line.startsWith('{"type":"welcome"') ? line : `{"room":"${room}",${line.slice(1)}`;
}

/** The frame without its type, which the event's name says. */
export function withoutType(line: string): string {
  const rest = line.replace(/"type":"[a-z.]+",?/, "");
  return rest.endsWith(",}") ? `${rest.slice(0, -2)}}` : rest;
}

const typeAt = '{"type":"'.length;
