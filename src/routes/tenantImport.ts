/** A tenant's export on its way into a tenant. Its rooms are made, and each is taken whole or not at all. */
import { roomStub, tenantStub } from "../objects/stubs.ts";
import type { Actor } from "../protocol/actor.ts";
import { ExportHead, TenantRow } from "../protocol/export.ts";
import type { ImportedTenant } from "../protocol/http.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import type { Bindings } from "../env.ts";
import { unfitHook } from "./hook.ts";
import { Digest, type Line, type Lines } from "./lines.ts";
import { cutOff, headOf, nothingMore, takeRoom, unfit, unlike } from "./roomImport.ts";

type Imports = ({ readonly ok: true } & Omit<ImportedTenant, "tenant">) | Refusal;

/**
 * A room in which something has happened already stays as it is and is named in `skipped`, so that what was cut off can be sent
 * again from its beginning.
 */
export async function importTenant(env: Bindings, tenant: string, lines: Lines, actor: Actor): Promise<Imports> {
  const begins = await headOf(lines, "tenant");
  if (!begins.ok) return begins;
  const found = await tenantStub(env, tenant).describe();
  if (!found.ok) return found;
  lines.digest = new Digest();
  const counts: Record<string, number> = {};
  const skipped: string[] = [];
  for (;;) {
    const line = await lines.next();
    if (line === null) return cutOff();
    if (!line.ok) return line;
    const { type } = line.value as { readonly type: string };
    if (type === "end") return endTenant(env, tenant, { line, lines, counts, skipped, actor });
    const kind = type === "export" ? "room" : type;
    counts[kind] = (counts[kind] ?? 0) + 1;
    const taken = type === "export" ? takeNested(env, tenant, line, lines, actor) : take(env, tenant, line, actor);
    const outcome = await taken;
    if (outcome?.ok === false) return outcome;
    if (outcome !== null) skipped.push(outcome.skipped);
  }
}

interface End extends Pick<ImportedTenant, "counts" | "skipped"> {
  readonly line: Line;
  readonly lines: Lines;
  readonly actor: Actor;
}

async function endTenant(env: Bindings, tenant: string, end: End): Promise<Imports> {
  const { line, lines, counts, skipped, actor } = end;
  const hash = (await lines.digest?.hex()) ?? "";
  lines.digest = null;
  const refused = unlike(line, { kind: "tenant", counts, hash }) ?? (await nothingMore(lines));
  if (refused !== null) return refused;
  const rooms = (counts["room"] ?? 0) - skipped.length;
  await tenantStub(env, tenant).noteImport(rooms, actor);
  return { ok: true, rooms, skipped, counts, hash };
}

/** Settings and bans. Keys belong to a master key, webhooks, identity providers and assistants to addresses, the log to its own chain. */
async function take(env: Bindings, tenant: string, line: Line, actor: Actor): Promise<Refusal | null> {
  const row = TenantRow.safeParse(line.value);
  if (!row.success) return unfit(line, row.error);
  const stub = tenantStub(env, tenant);
  if (row.data.type === "tenant") {
    const { name, settings, limits } = row.data;
    const updated = unfitHook(env, settings) ?? (await stub.update({ name, settings, limits }, actor));
    return updated.ok ? null : updated;
  }
  if (row.data.type !== "ban" || row.data.until <= Date.now()) return null;
  const { user, until: untilMs, reason, shadow } = row.data;
  const banned = await stub.ban(user, { untilMs, reason, shadow }, actor);
  return banned.ok ? null : banned;
}

type Nested = Refusal | { readonly ok: true; readonly skipped: string } | null;

async function takeNested(env: Bindings, tenant: string, line: Line, lines: Lines, actor: Actor): Promise<Nested> {
  const parsed = ExportHead.safeParse(line.value);
  if (!parsed.success) return unfit(line, parsed.error);
  const { room } = parsed.data;
  if (parsed.data.kind !== "room" || room === undefined)
    return refuse("invalid_field", `Line ${line.number}: not a room's export.`);
  const begun = await roomStub(env, tenant, room).beginImport(actor);
  if (!begun.ok && begun.error === "conflict") return (await skip(lines)) ?? { ok: true, skipped: room };
  if (!begun.ok) return { ...begun, detail: `Room ${room}: ${begun.detail ?? begun.error}` };
  const asked = { head: parsed.data, place: { tenant, room }, import: begun.import, isAll: false };
  const taken = await takeRoom(env, asked, lines, actor);
  return taken.ok ? null : { ...taken, detail: `Room ${room}: ${taken.detail ?? taken.error}` };
}

/** To the end of this room. */
async function skip(lines: Lines): Promise<Refusal | null> {
  for (;;) {
    const line = await lines.next();
    if (line === null) return cutOff();
    if (!line.ok) return line;
    if ((line.value as { readonly type: string }).type === "end") return null;
  }
}
