import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode } from "../../src/protocol/decode.ts";
import { ClientFrame } from "../../src/protocol/clientFrames.ts";
import { refusals } from "../../src/protocol/refusals.ts";
import { ServerFrame } from "../../src/protocol/serverFrames.ts";
import { everything } from "../support/api.ts";
import { connect, newTenant, newToken } from "../routes/edge.ts";
import { wholeFrames } from "../protocol/frames.ts";
import { roomy } from "../support/roomy.ts";
import { anyValue, mutationsOf } from "./mutations.ts";

/** Frames that are sent to a live room, and ten times as many that are only decoded; `VITE_PARLEY_FRAMES=100000` for a night. */
const inRoom = Number(process.env["VITE_PARLEY_FRAMES"] ?? 5_000);
const alone = 10 * inRoom;
/** `VITE_PARLEY_SEED=1` makes others. */
const seed = Number(process.env["VITE_PARLEY_SEED"] ?? 815);
const patienceMs = Math.max(240_000, inRoom * 20);

const whole = fc.constantFrom<object>(...Object.values(wholeFrames));
const mutated = mutationsOf(whole, anyValue());

describe("mutated frames", () => {
  test(
    `[W1] ${alone} of them are each a frame of the protocol or a refusal of the table; decoding never throws`,
    () => {
      fc.assert(
        fc.property(mutated, (raw) => {
          for (const decoded of decode(raw, 65_536)) {
            if (decoded.ok) expect(ClientFrame.safeParse(decoded.frame).success).toBe(true);
            else expect(["bad_frame", "invalid_field", "too_large"]).toContain(decoded.error);
          }
        }),
        { seed, numRuns: alone },
      );
    },
    patienceMs,
  );

  test(
    `[W1] ${inRoom} of them in a live room: each answer is one of the protocol, nothing fails inside, nobody else is told of a refusal`,
    async () => {
      const tenant = await newTenant(roomy);
      const token = await newToken(tenant, "ada", { "*": everything });
      const listener = await connect("general", { token: await newToken(tenant, "bo", { "*": everything }) });
      listener.send({ type: "publish", ref: "first", nonce: "first-nonce", text: "first" });
      await listener.answer("first");
      const frames = fc.sample(mutated, { numRuns: inRoom, seed: seed + 1 });
      // A socket hears no 49 times at most, so each is given 40 frames; some are batches, and may close it.
      for (let at = 0; at < frames.length; at += 40) {
        const socket = await connect("general", { token });
        for (const frame of frames.slice(at, at + 40)) socket.send(frame);
        // Its ack comes when all before it was flushed.
        socket.send({ type: "publish", ref: "barrier", nonce: `barrier-${at}`.padEnd(12, "-"), text: "x" });
        await socket.until(({ closed }) => closed !== null || socket.of("ack").some(({ ref }) => ref === "barrier"));
        if (socket.closed !== null) expect(socket.closed.code).toBe(4429);
        for (const frame of socket.frames) {
          if (!ServerFrame.safeParse(frame).success) expect.fail(`not of the protocol: ${JSON.stringify(frame)}`);
          if (frame.type !== "error") continue;
          if (frame.status >= 500)
            expect.fail(`${JSON.stringify(frame)} after ${JSON.stringify(frames.slice(at, at + 40))}`);
          expect(refusals[frame.code].status).toBe(frame.status);
        }
        socket.close();
      }
      listener.send({ type: "publish", ref: "last", nonce: "last-nonce-1", text: "last" });
      expect((await listener.answer("last")).type).toBe("ack");
      expect(listener.closed).toBeNull();
      expect([...listener.of("error"), ...listener.of("closing")]).toEqual([]);
      // What they did tell is one chain without a hole.
      const told = listener.of("changes").filter(({ reset }) => reset !== true);
      told.forEach(({ from }, index) => expect(from).toBe(told[index - 1]?.to ?? 0));
      expect(({} as { x?: unknown }).x).toBeUndefined();
    },
    patienceMs,
  );
});
