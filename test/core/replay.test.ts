import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changesFrame, gapOf, markFrame, replayFrames, takeWithin, type Told } from "../../src/core/replay.ts";
import { ChangesFrame } from "../../src/protocol/changes.ts";
import { formatCursor, parseCursor } from "../../src/protocol/cursor.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";

const epoch = "abcdefgh";
const state = { epoch, head: 100, oldest: 10, floor: 20 };

interface Frame {
  readonly from: number;
  readonly to: number;
  readonly reset?: true;
  readonly changes: readonly { readonly seq: number }[];
}

const told = (seq: number, bytes = 0): Told => ({
  seq,
  json: `{"seq":${seq}${bytes === 0 ? "" : `,"pad":"${"x".repeat(bytes)}"`}}`,
});
const parse = (frames: readonly string[]): Frame[] => frames.map((frame) => JSON.parse(frame));

describe("a cursor", () => {
  test("[R2] what cannot be told is said by its reason, at its edge", () => {
    expect(gapOf({ epoch: "another1", seq: 100 }, state)).toBe("epoch");
    expect(gapOf({ epoch, seq: 101 }, state)).toBe("ahead");
    expect(gapOf({ epoch, seq: 100 }, state)).toBeNull();
    expect(gapOf({ epoch, seq: 20 }, state)).toBeNull();
    expect(gapOf({ epoch, seq: 19 }, state)).toBe("expired");
    expect(gapOf({ epoch, seq: 8 }, { ...state, floor: 0 })).toBe("expired");
    expect(gapOf({ epoch, seq: 9 }, { ...state, floor: 0 })).toBeNull();
  });

  test("[R5] one that pages through everything stands below the floor as long as that has not moved", () => {
    expect(gapOf({ epoch, seq: 12, floor: 20 }, state)).toBeNull();
    expect(gapOf({ epoch, seq: 12, floor: 19 }, state)).toBe("expired");
    // It holds nothing that retention has taken since it began.
    expect(gapOf({ epoch, seq: 8, floor: 20 }, state)).toBeNull();
    expect(gapOf({ epoch, seq: 8, floor: 19 }, state)).toBe("expired");
  });

  test("[W5] it is read as it was written, and nothing else is read", () => {
    const positions = fc.record({ epoch: fc.stringMatching(/^[A-Za-z0-9_-]{8}$/), seq: fc.maxSafeNat() });
    fc.assert(
      fc.property(positions, (position) => {
        expect(parseCursor(formatCursor(position))).toEqual(position);
      }),
      { seed: 2 },
    );
    const withFloor = { epoch, seq: 5, floor: 7 };
    expect(parseCursor(formatCursor(withFloor))).toEqual(withFloor);
    for (const text of [
      "",
      "0",
      ":",
      "abcdefgh:",
      "abcdefgh:-1",
      "abcdefgh:01",
      "abcdefgh:1.5",
      "abcdefgh:1 ",
      " abcdefgh:1",
      "abcdefg:1",
      "abcdefghi:1",
      "abcdefgh:1~",
      "abcdefgh:1:2",
      `abcdefgh:${"9".repeat(17)}`,
      "abcdefgh:1\n",
    ])
      expect([text, parseCursor(text)]).toEqual([text, null]);
  });
});

describe("frames of a replay", () => {
  const lists = fc
    .uniqueArray(fc.integer({ min: 1, max: 300 }), { maxLength: 60 })
    .map((seqs) => seqs.sort((one, other) => one - other))
    .chain((seqs) =>
      fc.tuple(...seqs.map((seq) => fc.integer({ min: 0, max: 90_000 }).map((bytes) => told(seq, bytes)))),
    );

  test("[R2] they are one chain from the cursor to the head, with every change in its place once", () => {
    fc.assert(
      fc.property(lists, fc.boolean(), fc.integer({ min: 300, max: 400 }), (changes, reset, head) => {
        const frames = parse(replayFrames(changes, 0, head, reset));
        expect(frames[0]?.from).toBe(0);
        expect(frames.at(-1)?.to).toBe(head);
        frames.forEach((frame, index) => {
          expect(frame.from).toBe(frames[index - 1]?.to ?? 0);
          expect(frame.reset).toBe(reset && index === 0 ? true : undefined);
          for (const { seq } of frame.changes) expect(seq > frame.from && seq <= frame.to).toBe(true);
        });
        expect(frames.flatMap((frame) => frame.changes.map(({ seq }) => seq))).toEqual(changes.map(({ seq }) => seq));
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  test("[R3] a reset is told by one frame at least, also in an empty room", () => {
    expect(parse(replayFrames([], 0, 0, true))).toEqual([
      { type: "changes", from: 0, to: 0, reset: true, changes: [] },
    ]);
  });

  test("[R2] who is at the head is sent nothing, and who missed only what is gone is brought to the head", () => {
    expect(replayFrames([], 7, 7, false)).toEqual([]);
    expect(parse(replayFrames([], 5, 7, false))).toEqual([{ type: "changes", from: 5, to: 7, changes: [] }]);
  });

  test("[W7] no frame is larger than 256 KB, but for a change that is so alone", () => {
    const big = told(2, fixedLimits.changesFrameBytes + 1);
    const frames = replayFrames(
      [told(1, 200_000), big, told(3, 200_000), told(4, 62_000), told(5, 62_000)],
      0,
      5,
      true,
    );
    expect(parse(frames).map(({ to }) => to)).toEqual([1, 2, 3 + 1, 5]);
  });

  test("[R5] a part is whole changes in order while they fit, and never none", () => {
    const changes = [told(1, 10), told(2, 10), told(3, 10)];
    const bytes = changes[0]?.json.length ?? 0;
    expect(takeWithin(changes, bytes * 3)).toHaveLength(3);
    expect(takeWithin(changes, bytes * 3 - 1)).toHaveLength(2);
    expect(takeWithin(changes, 1)).toHaveLength(1);
    expect(takeWithin([], 1)).toEqual([]);
  });

  test("[O2] the mark says the head and nothing more; a frame that is made of text is one of the protocol", () => {
    expect(JSON.parse(markFrame(9))).toEqual({ type: "changes", from: 9, to: 9, changes: [] });
    const member = '{"type":"member","member":{"user":"ada","name":null,"role":"owner","seq":3}}';
    const frame = JSON.parse(changesFrame(2, 3, [{ seq: 3, json: member }], true));
    expect(ChangesFrame.strict().parse(frame)).toEqual(frame);
  });
});
