/**
 * The version of the wire, selected as the WebSocket subprotocol `parley.v1`.
 *
 * History:
 * - 1: the first wire. Since then a room's settings have `slowModeMs`, `access`, `retentionDays` and
 *   `retentionMessages`.
 */
export const PROTOCOL_VERSION = 1;

export const SUBPROTOCOL = `parley.v${PROTOCOL_VERSION}`;

/** A browser cannot set headers on a WebSocket, so its token rides as a second subprotocol with this prefix. */
export const BEARER_SUBPROTOCOL_PREFIX = "bearer.";
