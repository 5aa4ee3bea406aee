/** A publish whose statements fail, each of them once. */
import { runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { call, connect, newTenant } from "../routes/edge.ts";
import { newToken } from "../support/api.ts";
import { asAsked } from "../support/failing.ts";
import { query, roomObject } from "../support/room.ts";
import { unsound } from "../fuzz/sums.ts";
import { roomy } from "../support/roomy.ts";

test("[P2] [P3] [P6] whichever statement of a publish fails, it is stored whole or not at all, and its retry stores it once", async () => {
  const tenant = await newTenant(roomy);
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  ada.send({ type: "publish", ref: "0", nonce: "nonce-zero", text: "zero" });
  await ada.answer("0");
  const room = roomObject(tenant, "general");
  /** The statement of this number throws, counted from now on, and whenever it comes again: a flush that fails is tried item by item. */
  const arm = (number: number): Promise<void> =>
    runInDurableObject(room, (_, { storage: { sql } }) => {
      const exec = Object.getPrototypeOf(sql).exec.bind(sql);
      let left = number;
      let failing: unknown;
      const value = (statement: unknown, ...given: unknown[]): unknown => {
        if (--left === 0) failing = statement;
        if (statement === failing) throw new Error(asAsked);
        return exec(statement, ...given);
      };
      Object.defineProperty(sql, "exec", { configurable: true, value });
    });
  const disarm = (): Promise<boolean> =>
    runInDurableObject(room, (_, { storage: { sql } }) => Reflect.deleteProperty(sql, "exec"));
  const publish = async (nonce: string): Promise<number> => {
    const body = { nonce, text: nonce, replyTo: 1, mentions: ["bo"] };
    return (await call("/v1/rooms/general/messages", { method: "POST", credential: tenant.key, user: "ada", body }))
      .status;
  };
  const rows = (nonce: string): Promise<{ count: number }[]> =>
    query(tenant, "general", `SELECT count(*) AS count FROM message WHERE text = '${nonce}'`);
  const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
  const statuses: number[] = [];
  /** What fails after the commit, while the answer is made, is stored and not acked. */
  const stored: number[] = [];
  for (let number = 1; statuses.at(-1) !== 201 || number < 8; number++) {
    const nonce = `nonce-${number}-of-many`;
    await arm(number);
    statuses.push(await publish(nonce));
    await disarm();
    stored.push((await rows(nonce))[0]?.count ?? 0);
    if (statuses.at(-1) === 201) expect([number, stored.at(-1)]).toEqual([number, 1]);
    expect([200, 201]).toContain(await publish(nonce));
    expect([number, await rows(nonce)]).toEqual([number, [{ count: 1 }]]);
    expect(await unsound(tenant, "general", { keeps: false, nowMs: Date.now() })).toBeNull();
  }
  complaints.mockRestore();
  // Otherwise it proved nothing.
  expect(statuses.filter((status, index) => status === 500 && stored[index] === 0).length).toBeGreaterThan(3);
  const frames = ada.of("changes");
  expect(frames.map(({ from }) => from)).toEqual([0, ...frames.map(({ to }) => to)].slice(0, -1));
  ada.close();
});
