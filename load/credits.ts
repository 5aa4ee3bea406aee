/** Twenty rooms that all want more than their tenant may: how much is let through in ten seconds once the burst is spent (SPEC T7). */
import { setTimeout as delay } from "node:timers/promises";
import { inGroups } from "../bench/socket.ts";
import { House } from "./house.ts";
import { Speaker, steadily } from "./speaker.ts";

const rooms = 20;
const speakersPerRoom = 20;
/** Each speaker: together twice what the tenant may, and few enough refusals that none is closed for them. */
const perSecond = 5;
const allowed = { publishPerTenantPerSecond: 1_000, publishPerTenantBurst: 2_000 };
/** Also what the rooms have taken in advance. */
const spendingSeconds = 8;
const measuredSeconds = 10;

export async function credits(): Promise<string> {
  const house = await House.open();
  try {
    const tenant = await house.newTenant("busy", allowed);
    const speakers: Speaker[] = [];
    await inGroups(rooms * speakersPerRoom, 20, async (index) => {
      const token = await tenant.token(`u_${index}`);
      speakers.push(await Speaker.enter(house.socketUrl(`room-${index % rooms}`), token));
    });
    const accepted = (): number => speakers.reduce((sum, { acked }) => sum + acked, 0);
    const everyMs = 1_000 / perSecond;
    const stops = speakers.map((speaker, index) =>
      steadily(speaker, { everyMs, afterMs: (index * everyMs) / speakers.length }),
    );
    await delay(spendingSeconds * 1_000);
    const before = accepted();
    const sinceMs = performance.now();
    await delay(measuredSeconds * 1_000);
    const got = accepted() - before;
    const seconds = (performance.now() - sinceMs) / 1_000;
    for (const stop of stops) stop();
    const closed = speakers.filter(({ closedWith }) => closedWith !== null).length;
    const refused = speakers.reduce((sum, speaker) => sum + speaker.refused, 0);
    const share = got / (allowed.publishPerTenantPerSecond * seconds);
    for (const speaker of speakers) speaker.leave();
    return `${got} accepted in ${seconds.toFixed(2)} s (${(share * 100).toFixed(2)} % of ${allowed.publishPerTenantPerSecond}/s), ${refused} refused, ${closed} closed`;
  } finally {
    await house.close();
  }
}
