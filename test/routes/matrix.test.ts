/** Every operation with every kind of credential: one rule says from the operation's row who is let in, and each cell is compared. */
import { env } from "cloudflare:workers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseMasterKeys } from "../../src/auth/masterKeys.ts";
import { mintToken } from "../../src/auth/token.ts";
import {
  type Capability,
  capabilities,
  type Role,
  roleCapabilities,
  type RoomCapability,
  roomCapabilities,
  roles,
} from "../../src/protocol/capabilities.ts";
import { operatorKey, type TestTenant } from "../support/api.ts";
import { pass, startClock, stopClock } from "../support/clock.ts";
import { roomy } from "../support/roomy.ts";
import { call, newTenant, newToken } from "./edge.ts";
import {
  methodOf,
  newWorld,
  type Operation,
  operations,
  paramsOf,
  perform,
  release,
  suspend,
  type World,
} from "./operations.ts";

const here = "team:lobby";
const whole: readonly RoomCapability[] = roomCapabilities;

interface Credential {
  readonly name: string;
  readonly kind: "nobody" | "operator" | "key" | "token";
  /** What it says itself; a role adds to it. */
  readonly holds?: readonly Capability[];
  readonly role?: Role;
  /** Of another tenant, or of one that is suspended. */
  readonly of?: "another" | "suspended";
  readonly make: (world: World) => string | undefined | Promise<string | undefined>;
  readonly user?: string;
}

/** What an operation asks for, with what may stand in its place. */
function asked({ plane, or }: Operation): readonly Capability[] {
  // What the token of its row grants.
  if (plane === "key") return ["read"];
  if (plane === "publishing key") return ["publish"];
  if (or !== undefined) return capabilities.filter((capability) => capability === plane || capability === or);
  return plane.endsWith(":own")
    ? [plane as Capability, plane.replace(":own", ":any") as Capability]
    : capabilities.filter((capability) => capability === plane);
}

/** What its body gives away: nobody gives what they do not hold. */
function gives({ name, body = {} }: Operation): readonly Capability[] {
  if (name === "POST /v1/keys") return body["capabilities"] as Capability[];
  if (name === "POST /v1/tokens" || name === "POST /v1/issuers")
    return Object.values((body["rooms"] ?? {}) as Record<string, Capability[]>).flat();
  return [];
}

// The rule.

function expected(operation: Operation, { kind, of, ...credential }: Credential): number {
  const { plane, first, answers } = operation;
  if (plane === "everyone") return first;
  if (kind === "nobody") return 401;
  if ((plane === "operator") !== (kind === "operator")) return 401;
  if (kind === "operator") return first;
  if (of === "suspended") return 403;
  if (!mayCall(operation, { kind, ...credential })) return operation.denied ?? 403;
  if (of === "another") return namesSomething(operation) ? 404 : answers[201] === undefined ? first : 201;
  return first;
}

function mayCall(
  operation: Operation,
  { kind, holds = [], role }: Pick<Credential, "kind" | "holds" | "role">,
): boolean {
  const { plane } = operation;
  const held = new Set([...holds, ...(role === undefined ? [] : roleCapabilities[role])]);
  if (!gives(operation).every((capability) => held.has(capability))) return false;
  if (plane === "client") return true;
  if (plane === "key") return kind === "key";
  if (plane === "publishing key") return kind === "key" && held.has("publish");
  if (plane === "admin") return kind === "key" && held.has("admin");
  const { also = [] } = operation;
  return (
    also.every((capability) => held.has(capability)) && asked(operation).some((capability) => held.has(capability))
  );
}

/** Whether it is about what only one tenant has. What can be made is no such thing. */
function namesSomething({ known = [], body }: Operation): boolean {
  return known.length > 0 || (body !== undefined && "room" in body);
}

// The credentials.

const users: Record<Role, string> = { owner: "olga", moderator: "max", member: "mia" };
let another: TestTenant;
let suspended: World;

function credentialsFor(operation: Operation): Credential[] {
  const wanted = asked(operation);
  const only = wanted.length > 0 ? [...wanted.slice(0, 1), ...(operation.also ?? [])] : whole;
  const others = capabilities.filter((capability) => !wanted.includes(capability));
  const forUser = (holds: readonly Capability[]): readonly Capability[] => holds.filter((one) => one !== "admin");
  const token = (name: string, holds: readonly Capability[], role?: Role): Credential => ({
    name,
    kind: "token",
    holds: forUser(holds),
    ...(role === undefined ? {} : { role }),
    make: ({ tenant }) => newToken(tenant, role === undefined ? "ada" : users[role], { "*": forUser(holds) }),
  });
  const key = (name: string, holds: readonly Capability[]): Credential => ({
    name,
    kind: "key",
    holds,
    user: "ada",
    make: (world) => newKey(world, holds),
  });
  return [
    { name: "none", kind: "nobody", make: () => undefined },
    { name: "garbage", kind: "nobody", make: () => "x" },
    { name: "a key that is none", kind: "nobody", make: ({ tenant }) => `${tenant.key.slice(0, -1)}_` },
    { name: "a token that is none", kind: "nobody", make: ({ token: good }) => `${good.slice(0, -4)}AAAA` },
    { name: "an expired token", kind: "nobody", make: expired },
    { name: "the operator's key", kind: "operator", make: () => operatorKey },
    {
      name: "another tenant's key",
      kind: "key",
      of: "another",
      holds: capabilities,
      user: "ada",
      make: () => another.key,
    },
    {
      name: "another tenant's token",
      kind: "token",
      of: "another",
      holds: whole,
      make: () => newToken(another, "ada", { "*": whole }),
    },
    { name: "a suspended tenant's key", kind: "key", of: "suspended", user: "ada", make: () => suspended.tenant.key },
    { name: "a suspended tenant's token", kind: "token", of: "suspended", make: () => suspended.token },
    key("the tenant's first key", capabilities),
    key("a key with what it takes", wanted.length > 0 ? only : ["publish"]),
    key("a key with all but what it takes", wanted.length > 0 ? others : capabilities),
    token("a token with everything", whole),
    token("a token with what it takes", only),
    token("a token with all but what it takes", others),
    ...roles.map((role) => token(`a token that reads, of an ${role}`, ["read"], role)),
  ];
}

/** Of each world one that holds just these. */
const made = new WeakMap<World, Map<string, Promise<string>>>();

function newKey(world: World, holds: readonly Capability[]): Promise<string> {
  const known = made.get(world) ?? new Map<string, Promise<string>>();
  made.set(world, known);
  const key = known.get(holds.join()) ?? makeKey(world, holds);
  known.set(holds.join(), key);
  return key;
}

async function makeKey({ tenant }: World, holds: readonly Capability[]): Promise<string> {
  const answer = await call("/v1/keys", { method: "POST", credential: tenant.key, body: { capabilities: holds } });
  return (await answer.json<{ key: { secret: string } }>()).key.secret;
}

async function expired({ tenant }: World): Promise<string> {
  const request = { user: "ada", name: undefined, rooms: { "*": [...whole] }, expiresInSeconds: 60, tokenId: "old" };
  const signer = { tenant: tenant.id, keyId: tenant.keyId };
  const minted = await mintToken(
    parseMasterKeys(Reflect.get(env, "MASTER_KEY")),
    signer,
    request,
    Date.now() - 3_600_000,
  );
  if (minted === null) throw new Error("too long");
  return minted.token;
}

async function peopledWorld(): Promise<World> {
  const world = await newWorld(roomy);
  for (const role of roles) {
    const body = { role };
    await call(`/v1/rooms/${here}/members/${users[role]}`, { method: "PUT", credential: world.token, body });
  }
  return world;
}

let shared: World;
beforeAll(async () => {
  stopClock();
  [shared, suspended, another] = await Promise.all([peopledWorld(), newWorld(), newTenant({}, { autoCreate: false })]);
  await suspend(suspended);
  // No edge holds a policy from before.
  pass(6_000);
});
afterAll(startClock);

test.each(operations)("[A25] $name lets in whom its row says, and nobody else", async (operation) => {
  const method = methodOf(operation);
  let world = method === "GET" ? shared : await peopledWorld();
  const wrong: string[] = [];
  for (const credential of credentialsFor(operation)) {
    const presented = await credential.make(world);
    const asUser = credential.user !== undefined && operation.plane !== "operator" ? { user: credential.user } : {};
    const response = await perform(operation, world, { credential: presented, ...asUser });
    const status = expected(operation, credential);
    if (response.status !== status) wrong.push(`${credential.name}: ${response.status} and not ${status}`);
    await release(response);
    // What was made can be made again, what was changed or removed cannot.
    const isOnce =
      operation.once === true ||
      method === "DELETE" ||
      method === "PATCH" ||
      (response.status === 201 && 200 in operation.answers);
    if (response.ok && isOnce) world = await peopledWorld();
    if (response.ok && method !== "GET" && credential.of === "another")
      another = await newTenant({}, { autoCreate: false });
  }
  expect(wrong).toEqual([]);
});

test("[A25] no operation is without a plane", () => {
  const planes = new Set(["operator", "admin", "key", "publishing key", "client", "everyone", ...whole]);
  expect(operations.filter(({ plane }) => !planes.has(plane)).map(({ name }) => name)).toEqual([]);
  expect(
    operations.filter((operation) => paramsOf(operation).includes("tenant") && operation.plane !== "operator"),
  ).toEqual([]);
});

/** All that says who may do what in a tenant, as its first key and the operator see it. */
async function authorityIn({ tenant, token }: World): Promise<unknown> {
  const asAdmin = { credential: tenant.key };
  const seen = ["/v1/tenant", "/v1/keys", "/v1/issuers", "/v1/audit?limit=200"].map((path) => call(path, asAdmin));
  const members = call(`/v1/rooms/${here}/members`, { credential: token });
  const room = call(`/v1/rooms/${here}`, { credential: token });
  const all = await Promise.all([...seen, members, room].map(async (answer) => (await answer).json()));
  // A use is noted, and what is said counts.
  return JSON.parse(
    JSON.stringify(all, (name, value) => (["lastUsedAt", "head", "cursor", "unread"].includes(name) ? null : value)),
  );
}

test("[A25] a key that may only publish gets nobody more than that, by no route and in nobody's name", async () => {
  const world = await peopledWorld();
  const poor = await newKey(world, ["publish"]);
  const before = await authorityIn(world);
  const credentials: string[] = [];
  const changing = operations.filter((operation) => methodOf(operation) !== "GET" && operation.plane !== "operator");
  for (const operation of changing) {
    for (const user of [undefined, "ada", ...Object.values(users)]) {
      for (const body of bodiesFor(operation)) {
        const asUser = user === undefined ? {} : { user };
        const response = await perform(operation, world, {
          credential: poor,
          ...asUser,
          ...(body === undefined ? {} : { body }),
        });
        if (response.ok) credentials.push(...credentialsIn(await response.text()));
        else await release(response);
      }
    }
  }
  expect(await authorityIn(world)).toEqual(before);
  // It may make tokens of its own kind, and these are tried in turn.
  expect(credentials.length).toBeGreaterThan(0);
  for (const token of new Set(credentials)) {
    expect(Object.values(claimsOf(token).rooms).flat()).toEqual(["publish"]);
  }
  const [token] = credentials;
  for (const operation of changing.filter(({ plane }) => plane !== "publish")) {
    const response = await perform(operation, world, { credential: token });
    expect([operation.name, response.status]).toEqual([operation.name, 403]);
  }
  expect(await authorityIn(world)).toEqual(before);
});

/** The one of its row, and for what makes credentials all that could be asked for. */
function bodiesFor({ name, body }: Operation): (Readonly<Record<string, unknown>> | undefined)[] {
  const each = [...capabilities.map((capability) => [capability]), [...capabilities], ["publish", "read"]];
  if (name === "POST /v1/keys") return [{}, ...each.map((wanted) => ({ capabilities: wanted }))];
  if (name === "POST /v1/tokens") {
    const patterns = ["*", here, "team:*"];
    return each.flatMap((wanted) => patterns.map((pattern) => ({ user: "olga", rooms: { [pattern]: wanted } })));
  }
  return [body];
}

const credentialsIn = (text: string): string[] => text.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+|parley_[\w-]+/g) ?? [];

function claimsOf(token: string): { readonly rooms: Readonly<Record<string, readonly string[]>> } {
  return JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
}
