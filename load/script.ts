/** A scenario against a server of its own: by k6, or by Node where there is no k6 or k6 cannot do it. */
import { once } from "node:events";
import { homedir } from "node:os";
import { join } from "node:path";
import { startGroup } from "../bench/groups.ts";
import { findProgram } from "../bench/program.ts";
import { House } from "./house.ts";
import { playInNode, type Whom } from "./nodeGround.ts";
import { Sampler } from "./sampler.ts";
import { api } from "./scenarios/api.ts";
import { chat } from "./scenarios/chat.ts";
import { fanOut } from "./scenarios/fanOut.ts";
import type { Scenario, Sizes, Thresholds } from "./scenarios/ground.ts";
import { smoke, smokeAsItComes, smokeThresholds } from "./scenarios/smoke.ts";
import { soak } from "./scenarios/soak.ts";
import { sse } from "./scenarios/sse.ts";
import { storm } from "./scenarios/storm.ts";
import { Tally } from "./tally.ts";

interface Script {
  /** In `k6/`. */
  readonly file: string;
  readonly parts: readonly Scenario[];
  readonly thresholds: Thresholds;
  readonly asItComes?: Thresholds | undefined;
}

const ofOne = (file: string, scenario: Scenario): Script => ({
  file,
  parts: [scenario],
  thresholds: scenario.thresholds,
  asItComes: scenario.asItComes,
});

const scripts = {
  chat: ofOne("chat.ts", chat),
  "fan-out": ofOne("fanOut.ts", fanOut),
  storm: ofOne("storm.ts", storm),
  soak: ofOne("soak.ts", soak),
  api: ofOne("api.ts", api),
  sse: ofOne("sse.ts", sse),
  smoke: {
    file: "smoke.ts",
    parts: Object.values(smoke),
    thresholds: smokeThresholds,
    asItComes: smokeAsItComes,
  },
} as const satisfies Readonly<Record<string, Script>>;
type ScriptName = keyof typeof scripts;
export const scriptNames = Object.keys(scripts) as ScriptName[];

export interface Wish {
  readonly sizes: Partial<Sizes>;
  readonly runner: "k6" | "node" | undefined;
}

/** Throws when a threshold does not hold. */
export async function playScript(name: ScriptName, wish: Wish): Promise<string> {
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
function runnerFor(name: ScriptName, { runner }: Wish): string | null {
  if (runner === "node") return null;
  // k6 cannot reset a connection, and a storm is made of that.
  if (name === "storm" && runner === undefined) return null;
  const k6 = findProgram("k6", join(homedir(), "go", "bin"));
  if (k6 !== undefined) return k6;
  if (runner === "k6" || process.env["CI"] === "true") throw new Error("there is no k6 on the PATH or in ~/go/bin");
  console.log("skipped: no k6; the same scenario in Node");
  return null;
}

async function byK6(
  k6: string,
  name: ScriptName,
  { sizes, whom }: { sizes: Partial<Sizes>; whom: Whom },
): Promise<string> {
  const script = join(import.meta.dirname, "k6", scripts[name].file);
  const child = startGroup(k6, ["run", "--quiet", "--no-usage-report", "--address=", script], {
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
  return scripts[name].asItComes === undefined
    ? "every threshold holds, by k6"
    : "every threshold holds that k6 can judge; --runner=node judges all";
}

async function byNode(name: ScriptName, sizes: Partial<Sizes>, whom: Whom): Promise<string> {
  const tally = new Tally();
  const { parts, thresholds, asItComes } = scripts[name];
  await Promise.all(parts.map((part) => playInNode({ ...part, sizes: { ...part.sizes, ...sizes } }, whom, tally)));
  console.log(tally.summary());
  const crossed = tally.crossed({ ...thresholds, ...asItComes });
  if (crossed.length > 0) throw new Error(`${name}: ${crossed.join("; ")}`);
  return "every threshold holds, by Node";
}
