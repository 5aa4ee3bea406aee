/** Edges, rooms and tenants that do not all run the same version of the code. */
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { Policy, RoomPolicy, Terms } from "../../src/protocol/policy.ts";
import { noRetention } from "../../src/protocol/retention.ts";
import { noWords } from "../../src/protocol/words.ts";
import { everything } from "../support/api.ts";
import { place } from "../support/place.ts";
import { roomObject } from "../support/room.ts";

const { presenceMembers: _, ...older } = { ...defaultLimits, textLength: 7 };
const understood = { ...defaultLimits, textLength: 7 };
const limits = { ...older, dreamsPerNight: 3 };

test("[T17] what travels to a room is read without what is new here, and with what is not known here", () => {
  const terms = { version: 3, autoCreate: true };
  expect(Terms.parse({ ...terms, limits, moods: [] })).toEqual({ ...terms, limits: understood });
  expect(() => Terms.parse({ ...terms, limits: { ...limits, textLength: "7" } })).toThrow("textLength");
  const asStored = { ...terms, limits, words: { ...noWords, language: "en" }, moods: [] };
  expect(RoomPolicy.parse(asStored)).toEqual({
    ...terms,
    limits: understood,
    suspended: false,
    assistant: null,
    assistants: [],
    revocations: [],
    words: noWords,
    hook: null,
    search: false,
    ...noRetention,
    revocationsAskedUntilMs: 0,
    bans: [],
    moreBans: false,
    webhooks: [],
  });
  const wanted = { id: "waaaaaaaaaaaa", events: ["message.*", "dream.begun"], rooms: ["a:*"] };
  const webhooks = [{ ...wanted, mood: "calm" }, { id: "another kind", events: [] }, 7];
  expect(RoomPolicy.parse({ ...asStored, webhooks }).webhooks).toEqual([wanted]);
});

test("[T17] so is what the edge is told, and what is not understood of a key or a provider allows nothing", () => {
  const issuer = {
    id: "iaaaaaaaaaaaa",
    issuer: "https://id.example.com",
    jwksUrl: "https://id.example.com/keys",
    algorithms: ["RS256"],
    rooms: {},
    capabilities: ["read"],
  };
  const common = { tenant: "taaaaaaaaaaaa", version: 3, suspended: false };
  const settings = { origins: ["*"], autoCreate: true };
  const old = { ...common, keys: { "1kaaaaaaaaaaaa": ["read", "dream"] }, limits, settings };
  const read = { ...common, keys: { "1kaaaaaaaaaaaa": ["read"] }, limits: understood, settings };
  const since = { issuers: [], revocations: [], moreRevocations: false, bans: [], moreBans: false };
  expect(Policy.parse(old)).toEqual({ ...read, ...since });
  const odd = { ...issuer, algorithms: ["RS257"] };
  const newer = { ...old, settings: { ...settings, moods: [] }, issuers: [issuer, odd], moods: [] };
  expect(Policy.parse(newer)).toEqual({ ...read, ...since, issuers: [issuer] });
});

test("[T17] a room obeys a tenant that does not tell all that the room knows", async () => {
  const world = await place();
  const ada = await world.enter("ada", { capabilities: everything });
  await runInDurableObject(roomObject(world.tenant, world.room), async (room, { storage }) => {
    const { policy } = storage.sql.exec<{ policy: string }>("SELECT policy FROM room").one();
    const { version } = Terms.parse(JSON.parse(policy));
    // As an object of another version of the code would call it.
    await room.heed({ version: version + 1, limits, autoCreate: true } as unknown as RoomPolicy);
  });
  ada.send({ type: "publish", ref: "long", nonce: "nonce-of-ada", text: "too long" });
  expect(await ada.answer("long")).toMatchObject({ code: "too_large" });
  ada.send({ type: "publish", ref: "short", nonce: "nonce-of-ada", text: "short" });
  expect(await ada.answer("short")).toMatchObject({ type: "ack" });
  expect((await world.enter("bo")).welcome.user?.id).toBe("bo");
});
