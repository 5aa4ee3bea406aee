/** Whether the time of a refusal tells anything: of a tenant that is there, of a room that another tenant has (SPEC T1, A9). */
import { median } from "../bench/percentile.ts";
import { House } from "./house.ts";

const rounds = 1_000;
/** The first of them are slow for other reasons. */
const warming = 100;

interface Guess {
  readonly path: string;
  readonly credential: string;
  readonly status: number;
}

export async function guesses(): Promise<string> {
  const house = await House.open();
  try {
    const [own, other] = [await house.newTenant("acme", {}), await house.newTenant("rival", {})];
    await other.publish("theirs", "said");
    const forged = own.key.replace(/.{4}$/, (end) => (end === "AAAA" ? "BBBB" : "AAAA"));
    const pairs: Readonly<Record<string, readonly [Guess, Guess]>> = {
      "a wrong key of a tenant that is, and is not": [
        { path: "/v1/tenant", credential: forged, status: 401 },
        { path: "/v1/tenant", credential: forged.replace("_acme_", "_acmf_"), status: 401 },
      ],
      "a room that another tenant has, and nobody": [
        { path: "/v1/rooms/theirs", credential: own.key, status: 404 },
        { path: "/v1/rooms/nowise", credential: own.key, status: 404 },
      ],
    };
    const said: string[] = [];
    for (const [name, pair] of Object.entries(pairs)) {
      const [there, away] = await compare(house.url, pair);
      said.push(`${name}: ${there.toFixed(2)} and ${away.toFixed(2)} ms`);
    }
    return `medians of ${rounds}: ${said.join("; ")}`;
  } finally {
    await house.close();
  }
}

/** In turn, so that what else the machine does meets both alike. */
async function compare(url: string, pair: readonly [Guess, Guess]): Promise<[number, number]> {
  const took: [number[], number[]] = [[], []];
  for (let round = 0; round < warming + rounds; round++) {
    for (const which of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const { path, credential, status } = pair[which];
      const sinceMs = performance.now();
      const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${credential}` } });
      await response.arrayBuffer();
      if (round >= warming) took[which].push(performance.now() - sinceMs);
      if (response.status !== status) throw new Error(`${path} answered ${response.status}, not ${status}`);
    }
  }
  return [median(took[0]), median(took[1])];
}
