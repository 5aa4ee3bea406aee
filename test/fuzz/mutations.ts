/** Frames that are nearly right: a whole one, with some of its bits flipped, its values swapped or its text cut. */
import * as fc from "fast-check";

/** Values that no field expects. `more` are such as could stand in one. */
export function anyValue(...more: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.jsonValue(),
    fc.constantFrom<unknown>(null, -1, 1e300, "", "\ud800", "__proto__", ...more, [], {}, [[]], 0.1),
  );
}

export function mutationsOf(
  whole: fc.Arbitrary<object>,
  value: fc.Arbitrary<unknown>,
  ...more: readonly fc.WeightedArbitrary<string>[]
): fc.Arbitrary<string> {
  const swapped = fc.tuple(whole, fc.nat(), value).map(([frame, at, instead]) => {
    const entries = Object.entries(frame);
    const field = entries[at % entries.length]?.[0] ?? "";
    return JSON.stringify({ ...frame, [field]: instead });
  });
  const widened = fc
    .tuple(whole, fc.string(), value)
    .map(([frame, field, added]) => JSON.stringify({ ...frame, [field]: added }));
  const written = whole.map((frame) => JSON.stringify(frame));
  const flipped = fc
    .tuple(fc.oneof(written, swapped), fc.array(fc.tuple(fc.nat(), fc.nat(6)), { minLength: 1, maxLength: 4 }))
    .map(([text, flips]) => flips.reduce(flip, text));
  const cut = fc.tuple(whole, fc.nat(), fc.nat()).map(([frame, from, length]) => {
    const text = JSON.stringify(frame);
    const start = from % text.length;
    return text.slice(0, start) + text.slice(start + (length % 9));
  });
  const batches = fc.array(fc.oneof(whole, fc.jsonValue()), { maxLength: 8 }).map((frames) => JSON.stringify(frames));
  return fc.oneof(
    { weight: 4, arbitrary: flipped },
    { weight: 4, arbitrary: swapped },
    { weight: 2, arbitrary: widened },
    { weight: 2, arbitrary: cut },
    ...more,
    batches,
    fc.string(),
  );
}

function flip(text: string, [at, bit]: readonly [number, number]): string {
  const index = at % text.length;
  return text.slice(0, index) + String.fromCharCode(text.charCodeAt(index) ^ (1 << bit)) + text.slice(index + 1);
}
