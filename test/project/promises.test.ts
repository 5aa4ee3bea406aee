/** The project's own promises about itself: what no compiler and no linter can hold. */
import { readFileSync, globSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { edgeLimits } from "../../src/protocol/limits/edge.ts";
// @ts-expect-error: it is for the bundle, and has no types of its own.
import * as lean from "../../standalone/lean/zod.js";

const root = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const files = (pattern: string): string[] => globSync(pattern, { cwd: root }).sort();

test("every promise of SPEC.md has a test, and every test names a promise", () => {
  const promised = [...read("SPEC.md").matchAll(/^- \*\*([A-Z]\d+)\*\*/gm)].map(([, id]) => id);
  expect(new Set(promised).size).toBe(promised.length);
  const tested = new Set(
    // Those of the console share a server and a browser, and so two test files, which are made of many.
    [...files("test/**/*.test.ts"), ...files("test/standalone/console/*.ts")].flatMap((file) =>
      [...read(file).matchAll(/\[([A-Z]\d+)\]/g)].map(([, id]) => id),
    ),
  );
  expect({
    untested: promised.filter((id) => !tested.has(id)),
    unknown: [...tested].filter((id) => !promised.includes(id)),
  }).toEqual({ untested: [], unknown: [] });
});

test("zod is imported whole: by its name it carries 264 KiB of locales", () => {
  const wrong = files("{src,standalone,test}/**/*.ts").filter((file) =>
    /^import (?!\* as z |type \* as z ).*from "zod";/m.test(read(file)),
  );
  expect(wrong).toEqual([]);
});

test("the bundle's zod has all of zod that the code names, and it is the same", () => {
  const used = files("src/**/*.ts").flatMap((file) =>
    [...read(file).matchAll(/\bz\.([a-zA-Z]+)\(/g)].map(([, name]) => name ?? ""),
  );
  const names = [...new Set(used)].sort();
  expect(names).toEqual(expect.arrayContaining(["int", "strictObject", "string", "union"]));
  expect(names.filter((name) => Reflect.get(lean, name) !== Reflect.get(z, name))).toEqual([]);
  expect([lean.coerce.number === z.coerce.number, lean.z.ZodType === z.z.ZodType]).toEqual([true, true]);
});

test("no link in a page of ours leads nowhere", () => {
  const pages = ["README.md", "SPEC.md", "AGENTS.md", ...files("docs/**/*.md")];
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
      .map(([, target = ""]) => join(page, "..", target))
      .filter((target) => globSync(target, { cwd: root }).length === 0)
      .map((target) => `${page}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test("there is one copy of workerd, and every dependency is pinned", () => {
  const lock: { packages: Record<string, { version?: string }> } = JSON.parse(read("package-lock.json"));
  expect(Object.keys(lock.packages).filter((path) => path.endsWith("node_modules/workerd"))).toHaveLength(1);
  const { dependencies, devDependencies }: Record<string, Record<string, string>> = JSON.parse(read("package.json"));
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, version]) => !/^\d+\.\d+\.\d+(-[a-z0-9.]+)?$/.test(version),
  );
  expect(loose).toEqual([]);
});

test("[T19] wrangler.toml has the numbers of the table of limits, in every environment", () => {
  for (const { binding, limit, periodSeconds } of Object.values(edgeLimits)) {
    const pattern = new RegExp(`name = "${binding}"\\nnamespace_id = "(\\d+)"\\nsimple = (.*)`, "g");
    const entries = [...read("wrangler.toml").matchAll(pattern)];
    const simple = `{ limit = ${limit}, period = ${periodSeconds} }`;
    expect(entries.map(([, , given]) => given)).toEqual([simple, simple]);
    expect(new Set(entries.map(([, id]) => id)).size).toBe(2);
  }
});
