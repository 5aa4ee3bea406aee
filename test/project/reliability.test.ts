/** What docs/reliability.md says of the tests is so, and two promises that only the text of the project can show. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const page = read("docs/reliability.md");

/** How many checks the plan has, by their letters. */
const plan = { R: 20, E: 5, A: 12, S: 16, U: 7, W: 7, L: 12, X: 6 };
/** A row of the plan: its id has two digits, where a promise has no zero before it. */
const rows = page.split("\n").flatMap((line) => {
  const [, id = "", state = "", shown = "", figure = ""] =
    /^\| ([A-Z]\d\d) \| ([a-z ]+) \| [^|]+ \| ([^|]*) \| ([^|]*) \|$/.exec(line) ?? [];
  return id === "" ? [] : [{ id, state, shown, figure }];
});

test("[S9] the table has a row for each check of the plan, in order, and each says what it is", () => {
  const ids = Object.entries(plan).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, index) => `${letter}${String(index + 1).padStart(2, "0")}`),
  );
  expect(rows.map(({ id }) => id)).toEqual(ids);
  for (const { id, state, shown, figure } of rows) {
    expect([id, ["done", "in part", "not applicable"]]).toEqual([id, expect.arrayContaining([state])]);
    // What is missing, or why it cannot be, is said; and what is done is shown by a test or by a figure.
    expect([id, state === "done" ? shown.trim() !== "" || figure.trim() !== "" : figure.trim() !== ""]).toEqual([
      id,
      true,
    ]);
  }
  const counts = ["done", "in part", "not applicable"].map((each) => rows.filter(({ state }) => state === each).length);
  expect(page).toContain(`Of ${rows.length}: ${counts[0]} done, ${counts[1]} in part, ${counts[2]} not applicable.`);
});

test("[S9] each test file and each promise that the page names is there, and the one holds the other", () => {
  const promised = new Set([...read("SPEC.md").matchAll(/^- \*\*([A-Z]\d+)\*\*/gm)].map(([, id]) => id));
  const named = [...page.matchAll(/\]\(\.\.\/(test\/[^)]+)\)((?: [A-Z][1-9]\d*)+)/g)];
  expect(named.length).toBeGreaterThan(100);
  const wrong = named.flatMap(([, file = "", ids = ""]) => {
    const text = existsSync(join(root, file)) ? read(file) : "";
    const unproved = ids.trim().split(" ");
    return unproved.filter((id) => !promised.has(id) || !text.includes(`[${id}]`)).map((id) => `${file}: ${id}`);
  });
  expect(wrong).toEqual([]);
  const links = [...page.matchAll(/\]\(\.\.\/(test\/[^)]+)\)/g)].map(([, file]) => file);
  expect(links).toHaveLength(named.length);
});

test("[A9] nothing that proves anything is compared in a time that tells of it", () => {
  const proof = /\b\w*(secret|signature|presented|hmac|credential|password)\w*\b/i;
  /** Both of these compare what was sent with another spelling of itself. */
  const ownSpelling = ["base64url.encode(presented) !== secret", "base64url.encode(base64url.decode(signature)) ==="];
  const files = globSync("src/{auth,routes,outbound,objects/webhook}/**/*.ts", { cwd: root });
  expect(files.length).toBeGreaterThan(50);
  const wrong = files.flatMap((file) =>
    read(file)
      .split("\n")
      .filter((line) => comparisons(line).some((sides) => sides.some((side) => proof.test(side))))
      .filter((line) => !ownSpelling.some((known) => line.includes(known)))
      .map((line) => `${file}: ${line.trim()}`),
  );
  expect(wrong).toEqual([]);
  // The same look finds what is there.
  expect(comparisons("if (given === secretOf(key)) return true;")).toEqual([["given", "secretOf"]]);
});

/** What stands on both sides of a comparison of two values; that something is there at all gives nothing away. */
function comparisons(line: string): string[][] {
  return [...line.matchAll(/([\w.)\]]+) [!=]== ([\w."'`]+)/g)]
    .map(([, left = "", right = ""]) => [left, right])
    .filter((sides) => !sides.some((side) => /^(null|undefined|true|false|\d+|["'`].*)$/.test(side)))
    .filter((sides) => !sides.some((side) => /\.(length|byteLength|masterKey|version)$/.test(side)));
}

test("[S7] what is installed is told by its version and its hash, and comes from the registry", () => {
  const lock: { packages: Record<string, { integrity?: string; resolved?: string }> } = JSON.parse(
    read("package-lock.json"),
  );
  const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
  expect(packages.length).toBeGreaterThan(100);
  const loose = packages.filter(
    ([, { integrity = "", resolved = "https://registry.npmjs.org/" }]) =>
      !/^sha512-[\w+/]{86}==$/.test(integrity) || !resolved.startsWith("https://registry.npmjs.org/"),
  );
  expect(loose.map(([path]) => path)).toEqual([]);
});
