import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isOperatorKey } from "../../src/auth/operatorKey.ts";

test("[A9] the configured key is the operator's", async () => {
  expect(await isOperatorKey("first-operator-key", "first-operator-key")).toBe(true);
});

test("[A9] while they rotate both keys are the operator's, and the pair of them is not", async () => {
  const configured = "first-operator-key, second-operator-key\n";
  expect(await isOperatorKey(configured, "first-operator-key")).toBe(true);
  expect(await isOperatorKey(configured, "second-operator-key")).toBe(true);
  expect(await isOperatorKey(configured, configured)).toBe(false);
  expect(await isOperatorKey(configured, "first-operator-key,second-operator-key")).toBe(false);
});

test("[A9] without a configured key nobody is the operator", async () => {
  for (const configured of [undefined, "", ",", " , "]) {
    for (const presented of ["", ",", " ", "undefined", "null"])
      expect(await isOperatorKey(configured, presented)).toBe(false);
  }
});

test("[A9] an empty half of a rotation is no key", async () => {
  expect(await isOperatorKey("first-operator-key,", "")).toBe(false);
  expect(await isOperatorKey(",first-operator-key", "")).toBe(false);
});

test("[A9] no other text is the operator's key: not a prefix, not an extension, not another case", async () => {
  const key = "first-operator-key";
  for (const presented of [
    key.slice(1),
    key.slice(0, -1),
    `${key}x`,
    `${key} `,
    ` ${key}`,
    key.toUpperCase(),
    `${key}\0`,
  ])
    expect(await isOperatorKey(key, presented)).toBe(false);
  await fc.assert(
    fc.asyncProperty(
      fc.stringMatching(/^[!-+.-~-]{1,80}$/),
      fc.stringMatching(/^[!-+.-~-]{1,80}$/),
      async (configured, presented) => {
        expect(await isOperatorKey(configured, presented)).toBe(configured === presented);
        expect(await isOperatorKey(`${configured},${presented}`, presented)).toBe(true);
      },
    ),
  );
});
