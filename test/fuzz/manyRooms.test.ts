/** The WebSocket of many rooms under what nobody would send, and readers that are cut anywhere. */
import { evictDurableObject } from "cloudflare:test";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { refusals } from "../../src/protocol/refusals.ts";
import { ServerFrame } from "../../src/protocol/serverFrames.ts";
import { wholeFrames } from "../protocol/frames.ts";
import { call, newTenant, newToken } from "../routes/edge.ts";
import { everything } from "../support/api.ts";
import { connectMany } from "../support/manySocket.ts";
import { roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { differenceOf, truthOf } from "../support/truth.ts";
import { ManyListener, type MembersAnswer } from "./manyListener.ts";
import { anyValue, mutationsOf } from "./mutations.ts";

const all = { "*": everything };

const room = fc.constantFrom("general", "other", "elsewhere");
const whole = fc
  .tuple(
    fc.constantFrom<object>(
      ...Object.values(wholeFrames),
      { type: "join", ref: "r", backlog: 3, presence: "count" },
      { type: "join", ref: "r", cursor: "abcdefgh:7" },
      { type: "leave", ref: "r" },
    ),
    room,
  )
  .map(([frame, name]) => ({ ...frame, room: name }));
const written = whole.map((frame) => JSON.stringify(frame));
const mutated = mutationsOf(whole, anyValue("general"), { weight: 2, arbitrary: written });

test("[W1] 2,000 mutated frames: each answer is one of the protocol, nothing fails inside, another client's rooms go on", async () => {
  const tenant = await newTenant(roomy);
  const [ada, bo] = await Promise.all([newToken(tenant, "ada", all), newToken(tenant, "bo", all)]);
  const rooms = ["general", "other"];
  const listener = await connectMany(bo, rooms);
  const frames = fc.sample(mutated, { numRuns: 2_000, seed: 818 });
  let joined = 0;
  // A connection hears no 49 times at most, so each is given 40 frames; some are batches, and may close it.
  for (let at = 0; at < frames.length; at += 40) {
    const socket = await connectMany(ada, rooms);
    for (const frame of frames.slice(at, at + 40)) socket.send(frame);
    // Behind all of them, whether the room is still joined or not.
    const refs = rooms.map((name) => `${name} ${at}`);
    for (const name of rooms)
      socket.send({
        type: "publish",
        room: name,
        ref: `${name} ${at}`,
        nonce: `barrier-${at}`.padEnd(12, "-"),
        text: "x",
      });
    await socket.until(
      ({ closed }) =>
        closed !== null ||
        refs.every((ref) => socket.frames.some((frame) => "ref" in frame && frame.ref === ref)) ||
        socket.frames.some(({ type }) => type === "closing"),
    );
    if (socket.closed !== null) expect(socket.closed).toMatchObject({ code: 4429 });
    for (const frame of socket.frames) {
      if (!ServerFrame.safeParse(frame).success) expect.fail(`not of the protocol: ${JSON.stringify(frame)}`);
      if (frame.type !== "error") continue;
      if (frame.status >= 500)
        expect.fail(`${JSON.stringify(frame)} after ${JSON.stringify(frames.slice(at, at + 40))}`);
      expect(refusals[frame.code].status).toBe(frame.status);
    }
    joined += socket.frames.filter(({ type }) => type === "welcome").length - rooms.length;
    socket.close(1000);
  }
  expect(joined).toBeGreaterThan(20);
  for (const name of rooms) {
    listener.send({ type: "publish", room: name, ref: name, nonce: "last-nonce-1", text: "last" });
    const answer = await listener.answer(name);
    expect(answer).toMatchObject({ type: "ack", room: name });
    const last = answer.type === "ack" ? answer.seq : null;
    await listener.until(() => listener.of(name, "changes").at(-1)?.to === last);
    // What it was told is one chain without a hole.
    const told = listener.of(name, "changes").filter(({ reset }) => reset !== true);
    told.forEach(({ from }, index) => expect(from).toBe(told[index - 1]?.to ?? 0));
  }
  expect(listener.closed).toBeNull();
  expect(listener.frames.filter(({ type }) => type === "error" || type === "closing")).toEqual([]);
  expect(({} as { x?: unknown }).x).toBeUndefined();
}, 60_000);

type Command =
  | { readonly do: "publish"; readonly room: number; readonly count: number }
  | {
      readonly do: "reply" | "edit" | "react" | "delete" | "member" | "freeze";
      readonly room: number;
      readonly pick: number;
    }
  | { readonly do: "deliver"; readonly who: number; readonly count: number }
  | { readonly do: "cut" | "return"; readonly who: number }
  | { readonly do: "hop" | "leave" | "page"; readonly who: number; readonly room: number }
  | { readonly do: "evict"; readonly room: number; readonly webSockets: "hibernate" | "close" };

const who = fc.nat(1);
const at = fc.nat(4);
const pick = fc.nat(59);
const weighted = (...parts: (readonly [number, fc.Arbitrary<Command>])[]): fc.Arbitrary<Command> =>
  fc.oneof(...parts.map(([weight, arbitrary]) => ({ weight, arbitrary })));
const named = <Name extends Command["do"]>(name: Name): fc.Arbitrary<Name> => fc.constant(name);
const command = weighted(
  [20, fc.record({ do: named("publish"), room: at, count: fc.integer({ min: 1, max: 4 }) })],
  [3, fc.record({ do: named("publish"), room: at, count: fc.integer({ min: 10, max: 16 }) })],
  [12, fc.record({ do: fc.constantFrom("edit" as const, "react" as const, "delete" as const), room: at, pick })],
  [8, fc.record({ do: fc.constantFrom("reply" as const, "member" as const, "freeze" as const), room: at, pick })],
  [20, fc.record({ do: named("deliver"), who, count: fc.nat(12) })],
  [5, fc.record({ do: named("cut"), who })],
  [5, fc.record({ do: named("return"), who })],
  [10, fc.record({ do: fc.constantFrom("hop" as const, "leave" as const), who, room: at })],
  [8, fc.record({ do: named("page"), who, room: at })],
  [4, fc.record({ do: named("evict"), room: at, webSockets: fc.constantFrom("hibernate" as const, "close" as const) })],
);
const program = fc.array(command, { minLength: 30, maxLength: 80, size: "max" });

test("[R1] 12 random programs of changes, cuts, leavings and evictions in 5 rooms on one connection: every reader ends with each room's state", async () => {
  // Small where the protocol has a branch: replays end early and often.
  const tenant = await newTenant({ ...roomy, replayChanges: 12 });
  const tokens = await Promise.all(["ada", "bo"].map((user) => newToken(tenant, user, all)));
  let programs = 0;
  const run = async (commands: readonly Command[]): Promise<void> => {
    const names = Array.from({ length: 5 }, (_, index) => `p${programs}-${index}`);
    programs++;
    const ids = new Map<string, number[]>(names.map((name) => [name, []]));
    const frozen = new Set<string>();
    const listeners = tokens.map((token) => new ManyListener({ token, rooms: names, backlog: 4, pageSize: 3 }));
    const ask = async <T>(name: string, path: string, method: string, body?: unknown): Promise<T | null> => {
      const answer = await call(`/v1/rooms/${name}${path}`, { method, credential: tenant.key, user: "mo", body });
      if (!answer.ok && answer.status !== 404 && answer.status !== 409) throw new Error(await answer.text());
      const text = await answer.text();
      return answer.ok && text !== "" ? (JSON.parse(text) as T) : null;
    };
    const say = async (name: string, body: object): Promise<void> => {
      const said = await ask<{ message: { id: number } }>(name, "/messages", "POST", body);
      if (said !== null) ids.get(name)?.push(said.message.id);
    };
    for (const name of names) await ask(name, "", "PUT", {});
    const step = async (each: Command): Promise<void> => {
      const name = "room" in each ? (names[each.room] ?? "") : "";
      const listener = listeners["who" in each ? each.who : 0];
      const known = ids.get(name) ?? [];
      const id = "pick" in each ? (known[each.pick % Math.max(1, known.length)] ?? null) : null;
      switch (each.do) {
        case "publish":
          await Promise.all(Array.from({ length: each.count }, (_, count) => say(name, { text: `${name} ${count}` })));
          return;
        case "reply":
          return id === null ? undefined : say(name, { text: "reply", replyTo: id });
        case "edit":
          if (id !== null) await ask(name, `/messages/${id}`, "PATCH", { text: `edit ${each.pick}` });
          return;
        case "react":
          if (id !== null) await ask(name, `/messages/${id}/reactions/${each.pick % 10}`, "PUT");
          return;
        case "delete":
          if (id !== null) await ask(name, `/messages/${id}`, "DELETE");
          return;
        case "member":
          await ask(
            name,
            `/members/u${each.pick % 3}`,
            each.pick % 4 === 0 ? "DELETE" : "PUT",
            each.pick % 4 === 0 ? undefined : { role: each.pick % 2 === 0 ? "member" : "owner" },
          );
          return;
        case "freeze":
          if (!frozen.delete(name)) frozen.add(name);
          await ask(name, "", "PATCH", { settings: { frozen: frozen.has(name) } });
          return;
        case "evict":
          await ask(name, "", "GET");
          return evictDurableObject(roomObject(tenant, name), { webSockets: each.webSockets });
        case "deliver":
          return listener?.deliver(each.count);
        case "cut":
          return listener?.cut();
        case "return":
          return listener?.open();
        case "hop":
          return listener?.hop(name);
        case "leave":
          return listener?.leave(name);
        case "page":
          return listener?.askPage(name);
      }
    };
    for (const listener of listeners) await listener.open();
    for (const each of commands) await step(each);
    for (const name of names) {
      const truth = await truthOf(name, tenant.key, Date.now);
      for (const [index, listener] of listeners.entries()) {
        await listener.settle(name, truth.cursor, (path) => ask<MembersAnswer>(name, path, "GET"));
        const difference = differenceOf(listener.readerOf(name), truth);
        if (difference !== null) throw new Error(`reader ${index} of ${name}: ${difference}`);
      }
    }
    for (const listener of listeners) {
      expect(listener.complaints).toEqual([]);
      listener.cut();
    }
  };
  await fc.assert(fc.asyncProperty(program, run), { seed: 819, numRuns: 12, endOnFailure: true });
}, 120_000);
