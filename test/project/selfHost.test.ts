/** What docs/self-host.md has people write into their system. The texts for the proxies are tried by test/standalone/proxies.test.ts. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Environment } from "../../standalone/environment.ts";

const root = join(import.meta.dirname, "../..");
const guide = readFileSync(join(root, "docs/self-host.md"), "utf8");
const unit = /^```ini\n([\s\S]*?)^```/m.exec(guide)?.[1] ?? "";

test("[H20] the unit starts what is there, allows the files that a full server takes, and lets the runtime compile", () => {
  const started = /^ExecStart=\/opt\/parley\/(\S+) (\S+)$/m.exec(unit)?.slice(1) ?? [];
  expect(started.map((file) => existsSync(join(root, file)))).toEqual([true, true]);
  expect(Number(/^LimitNOFILE=(\d+)$/m.exec(unit)?.[1])).toBeGreaterThanOrEqual(65_536);
  expect(unit).not.toContain("MemoryDenyWriteExecute");
});

test("[H20] systemd takes the unit", (context) => {
  if (!existsSync("/usr/bin/systemd-analyze")) return context.skip("no systemd-analyze");
  const folder = mkdtempSync(join(tmpdir(), "parley-unit-"));
  try {
    const file = join(folder, "parley.service");
    writeFileSync(file, unit.replaceAll("/opt/parley", root).replace("User=parley", "User=daemon"));
    // What it says of this unit, by its name: it speaks of others, too.
    const said = execFileSync("sh", ["-c", 'systemd-analyze verify "$1" 2>&1 || true', "sh", file], {
      encoding: "utf8",
    });
    expect(said.split("\n").filter((line) => line.includes("parley.service"))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("[H20] the table names every variable that `npm start` reads, and no other", () => {
  const table = guide.split("| in `/etc/parley/environment` |")[1]?.split("\n\n")[0] ?? "";
  const named = [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell = ""]) => cell.match(/[A-Z_]{4,}/g) ?? []);
  const inUnit = [...unit.matchAll(/^Environment=(\w+)=/gm)].map(([, name]) => name);
  expect([...named, ...inUnit].toSorted()).toEqual(Object.keys(Environment.shape).toSorted());
});
