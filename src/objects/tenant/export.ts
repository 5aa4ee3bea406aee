/** What a tenant itself holds, as it is exported: all of it, or what it says of one user. Its rooms are asked for apart. */
import { mapPersonal } from "../../core/auditChain.ts";
import type { Actor } from "../../protocol/actor.ts";
import type { AuditEntry, Personal } from "../../protocol/audit.ts";
import type { AuditLine, BanLine, FlagLine, RevocationLine, TenantRow, UploadLine } from "../../protocol/export.ts";
import { type ExportPage, PageOfLines } from "../exports.ts";
import { listingOf } from "./assistants.ts";
import type { BanListing } from "./bans.ts";
import type { Flag } from "./flags.ts";
import { type Answer, type TenantParts, tenantOf } from "./parts.ts";
import type { RevocationListing } from "./revocations.ts";

/** Which list, and behind which of its rows. */
export interface TenantPosition {
  readonly list: number;
  readonly after: string;
}

interface Listed {
  readonly rows: readonly { readonly line: TenantRow | UploadLine; readonly mark: string }[];
  readonly isMore?: boolean;
}

/** Rows behind a mark, with one more than there is room for. */
type List = (parts: TenantParts, after: string, limit: number, nowMs: number) => Listed;

const whole: readonly List[] = [
  (parts) => {
    const { name, suspended, settings, limits, createdAtMs: createdAt } = tenantOf(parts);
    return { rows: [{ line: { type: "tenant", name, suspended, settings, limits, createdAt }, mark: "tenant" }] };
  },
  ({ store }, after) =>
    behind(
      after,
      store.keys().map((key) => ({ line: { type: "key", ...key }, mark: key.id })),
    ),
  ({ issuers }, after) =>
    behind(
      after,
      issuers.list().map((issuer) => ({ line: { type: "issuer", ...issuer }, mark: issuer.id })),
    ),
  ({ webhooks }, after, _, nowMs) =>
    behind(
      after,
      webhooks.list(nowMs).map(({ secret: _secret, previous: _previous, enabledAtMs: _enabledAtMs, ...webhook }) => ({
        line: { type: "webhook", ...webhook },
        mark: webhook.id,
      })),
    ),
  ({ assistants }, after) =>
    behind(
      after,
      assistants.list().map((assistant) => ({
        line: { type: "assistant", ...listingOf(assistant) },
        mark: assistant.id,
      })),
    ),
  ({ bans }, after, limit, nowMs) => ({
    rows: bans.list({ after, limit }, nowMs).map((ban) => ({ line: banLine(ban), mark: ban.user })),
  }),
  ({ revocations }, after, limit, nowMs) => ({
    rows: revocations
      .list({ before: after === "" ? Number.MAX_SAFE_INTEGER : Number(after), limit }, nowMs)
      .map((revocation) => ({ line: revocationLine(revocation), mark: String(revocation.id) })),
  }),
  ({ flags }, after, limit) => ({
    rows: flags
      .list({ state: null, room: null, after: Number(after), limit })
      .map((flag) => ({ line: { type: "flag", ...flag }, mark: String(flag.id) })),
  }),
  ({ audit }, after, limit) => {
    const { items, next } = audit.page({ after: Number(after), limit });
    return {
      rows: items.map((entry) => ({ line: { type: "audit", ...entry }, mark: String(entry.seq) })),
      isMore: next !== undefined,
    };
  },
];

/** Of others in it only that they are others. */
function of(user: string): readonly List[] {
  return [
    ({ bans }, _, __, nowMs) => {
      const ban = bans.find(user, nowMs);
      return { rows: ban === null ? [] : [{ line: banLine(ban), mark: ban.user }] };
    },
    ({ revocations }, after, _, nowMs) =>
      behind(
        after,
        revocations
          .of(user, nowMs)
          .map((revocation) => ({ line: revocationLine(revocation), mark: String(revocation.id) })),
      ),
    ({ flags }, after, limit) => ({
      rows: flags
        .about(user, Number(after), limit)
        .map((flag) => ({ line: { type: "flag", ...seenBy(user, flag) }, mark: String(flag.id) })),
    }),
    ({ uploads }, after, limit) => ({
      rows: uploads()
        .openOf(user, limit, after)
        .map(({ id, room, name, size }) => ({ line: { type: "upload", id, room, name, size }, mark: id })),
    }),
    ...(["actor", "target"] as const).map((part): List => ({ audit }, after, limit) => {
      const { items, next } = audit.page({ after: Number(after), limit, [part]: user });
      const rows = items.map((entry) => ({ line: entryFor(user, entry), mark: String(entry.seq) }));
      return { rows, isMore: next !== undefined };
    }),
  ];
}

/** Of a list that is short and read whole each time. The row of the mark may have gone meanwhile. */
function behind(after: string, rows: Listed["rows"]): Listed {
  const rest = rows.filter(({ mark }) => mark > after);
  return { rows: rest.sort((one, other) => (one.mark < other.mark ? -1 : 1)) };
}

/** Of all that the tenant itself holds, or says of one user. `actor` asks for the first page, and is written down. */
export function exportPage(
  parts: TenantParts,
  user: string | null,
  position: TenantPosition | null,
  actor: Actor | null,
  nowMs: number,
): Answer<ExportPage<TenantPosition>> {
  if (actor !== null) {
    const action = user === null ? "tenant.exported" : "user.exported";
    parts.audit.append(actor, action, user === null ? {} : { target: { user } }, nowMs);
  }
  return { ok: true, ...pageFrom(parts, user, position, nowMs) };
}

function pageFrom(
  parts: TenantParts,
  user: string | null,
  position: TenantPosition | null,
  nowMs: number,
): ExportPage<TenantPosition> {
  const page = new PageOfLines();
  const lists = user === null ? whole : of(user);
  let { list, after } = position ?? { list: 0, after: "" };
  for (; list < lists.length; list++, after = "") {
    const { rows, isMore = false } = lists[list]?.(parts, after, page.room, nowMs) ?? { rows: [] };
    const { last, all } = page.addAll(rows, ({ line }) => line);
    if (!all || isMore) return page.upTo({ list, after: last?.mark ?? after });
  }
  return page.upTo<TenantPosition>(null);
}

function banLine({ user, untilMs: until, reason, shadow, atMs: at }: BanListing): BanLine {
  return { type: "ban", user, until, reason, shadow, at };
}

function revocationLine({
  user,
  token,
  key,
  issuedBeforeMs: issuedBefore,
  reason,
  atMs: at,
  untilMs: until,
}: RevocationListing): RevocationLine {
  return { type: "revocation", user, token, key, issuedBefore, reason, at, until };
}

/** Who flagged him, and whom he flagged, is theirs. */
function seenBy(user: string, flag: Flag): Omit<FlagLine, "type"> {
  return flag.user === user ? { ...flag, sender: null, note: null } : { ...flag, user: null };
}

/** Names and reasons of others are left out, as if they had been erased. */
function entryFor(user: string, entry: AuditEntry): AuditLine {
  const own = (value: unknown): unknown =>
    mapPersonal(value, (text) => (isText(text, user) ? text : { personal: text.personal, salt: null, text: null }));
  const isTarget = isText(entry.target["user"], user);
  const { before, after } = entry;
  return {
    type: "audit",
    ...entry,
    actor: own(entry.actor) as AuditLine["actor"],
    target: own(entry.target) as AuditLine["target"],
    before: (isTarget ? before : own(before)) as AuditLine["before"],
    after: (isTarget ? after : own(after)) as AuditLine["after"],
  };
}

function isText(value: unknown, text: string): boolean {
  return typeof value === "object" && value !== null && (value as Partial<Personal>).text === text;
}
