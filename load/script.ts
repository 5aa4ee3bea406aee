/** A scenario against a server of its own: by k6, or by Node where there is no k6 or k6 cannot do it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { House } from "./house.ts";
import { playInNode, type Whom } from "./nodeGround.ts";
import { Sampler } from "./sampler.ts";
import { api } from "./scenarios/api.ts";
import { chat } from "./scenarios/chat.ts";
import { fanOut } from "./scenarios/fanOut.ts";
import type { Scenario, Sizes } from "./scenarios/ground.ts";
import { smoke, smokeThresholds } from "./scenarios/smoke.ts";
import { soak } from "./scenarios/soak.ts";
import { sse } from "./scenarios/sse.ts";
import { storm } from "./scenarios/storm.ts";
import { Tally } from "./tally.ts";

export const scripts: Readonly<Record<string, { readonly parts: readonly Scenario[] }>> = {
  chat: { parts: [chat] },
  fanOut: { parts: [fanOut] },
  storm: { parts: [storm] },
  soak: { parts: [soak] },
  api: { parts: [api] },
  sse: { parts: [sse] },
  smoke: { parts: Object.values(smoke) },
};

export interface Wish {
  readonly sizes: Partial<Sizes>;
  readonly runner: "k6" | "node" | undefined;
}

/** Throws when a threshold does not hold. */
export async function playScript(name: string, wish: Wish): Promise<string> {
  const k6 = runnerFor(name, wish);
  const house = await House.open();
  const sampler = new Sampler(Object.values(house.processes));
  try {
    const tenant = await house.newTenant("load", {});
    const whom = { url: house.url, key: tenant.key };
    return k6 === null ? await byNode(name, wish.sizes, whom) : await byK6(k6, name, { sizes: wish.sizes, whom });
  } finally {
    const complaints = house.complaints.length === 0 ? [] : ["the server said", ...house.complaints];
    console.log([sampler.end(), ...complaints].join("\n"));
    await house.close();
  }
}

/** The path of k6; null to play it in Node. */
function runnerFor(name: string, { runner }: Wish): string | null {
  if (runner === "node") return null;
  // k6 cannot reset a connection, and a storm is made of that.
  if (name === "storm" && runner === undefined) return null;
  const k6 = [...(process.env["PATH"] ?? "").split(delimiter), join(homedir(), "go", "bin")]
    .map((folder) => join(folder, "k6"))
    .find(isExecutable);
  if (k6 !== undefined) return k6;
  if (runner === "k6" || process.env["CI"] === "true") throw new Error("there is no k6 on the PATH or in ~/go/bin");
  console.log("skipped: no k6; the same scenario in Node");
  return null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function byK6(k6: string, name: string, { sizes, whom }: { sizes: Partial<Sizes>; whom: Whom }): Promise<string> {
  const script = join(import.meta.dirname, "k6", `${name}.ts`);
  const child = spawn(k6, ["run", "--quiet", "--no-usage-report", script], {
    stdio: "inherit",
    env: {
      ...process.env,
      PARLEY_URL: whom.url,
      PARLEY_KEY: whom.key,
      PARLEY_USERS: String(sizes.users ?? ""),
      PARLEY_PER_PLACE: String(sizes.perPlace ?? ""),
      PARLEY_SECONDS: String(sizes.seconds ?? ""),
    },
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${name}: k6 ended with ${code ?? "a signal"}`);
  return "every threshold holds, by k6";
}

async function byNode(name: string, sizes: Partial<Sizes>, whom: Whom): Promise<string> {
  const tally = new Tally();
  const parts = (scripts[name]?.parts ?? []).map((part) => ({ ...part, sizes: { ...part.sizes, ...sizes } }));
  await Promise.all(parts.map((part) => playInNode(part, whom, tally)));
  console.log(tally.summary());
  const crossed = tally.crossed(name === "smoke" ? smokeThresholds : (parts[0]?.thresholds ?? {}));
  if (crossed.length > 0) throw new Error(`${name}: ${crossed.join("; ")}`);
  return "every threshold holds, by Node";
}
