import { expect, test } from "vitest";
import * as z from "zod";
import { ClientFrame, JoinFrame, LeaveFrame } from "../../src/protocol/clientFrames.ts";
import { refusals } from "../../src/protocol/refusals.ts";
import { ServerFrame } from "../../src/protocol/serverFrames.ts";
import { PROTOCOL_VERSION, SUBPROTOCOL } from "../../src/protocol/version.ts";

/**
 * When this fails, the wire has changed. Look at what an old client sends and what an old reader is told:
 *
 * - Only more than before (an optional field of a client's frame, another field or frame of the server, another code of
 *   refusal): old peers go on as they were. Take the new hash, and add the change to PROTOCOL's history in the commit.
 * - Anything less, or the same with another meaning (a field that is gone, required, narrower or of another type, another
 *   close code): old peers break. Raise PROTOCOL_VERSION, keep serving the old one, and write down how long.
 */
const pinned = { version: 1, hash: "50f4f53147136b2a48100c5f9df69265e6aeb6735ac0b297abdccd5d0078c035" };

test("[W4] the wire is the one that is pinned to its version", async () => {
  const wire = {
    client: z.toJSONSchema(ClientFrame, { unrepresentable: "any", io: "input" }),
    rooms: [JoinFrame, LeaveFrame].map((frame) => z.toJSONSchema(frame, { io: "input" })),
    server: z.toJSONSchema(ServerFrame, { unrepresentable: "any", io: "output" }),
    refusals: Object.entries(refusals).map(([code, { status, close, retry }]) => [code, status, close, retry]),
  };
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(wire)));
  const hash = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  expect({ version: PROTOCOL_VERSION, hash }).toEqual(pinned);
  expect(SUBPROTOCOL).toBe(`parley.v${pinned.version}`);
});
