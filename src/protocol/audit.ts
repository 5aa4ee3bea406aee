/**
 * What the audit log says: which actions it knows, what is written down of each, and how an entry is shown.
 * Only what is declared here can enter it, so that no secret ever does.
 */
import * as z from "zod";
import { Actor } from "./actor.ts";
import { AssistantSettings } from "./assistant.ts";
import { capabilities, roles } from "./capabilities.ts";
import { ErasedMessages, ErasureId } from "./erasure.ts";
import { Hook } from "./hook.ts";
import { Issuer, IssuerId } from "./issuer.ts";
import { MessageId, RoomSettings, Seq, TimeMs } from "./message.ts";
import { KeyId, RoomName, TenantId, UserId } from "./names.ts";
import { limitNames, TenantSettings } from "./policy.ts";
import { WordList } from "./words.ts";
import { TokenId } from "./token.ts";
import { Batch, WebhookId, WebhookSettings } from "./webhook.ts";

/** Before and after an action: what is written as it is, and the texts about people that can be erased. */
interface ActionRow {
  readonly plain: Readonly<Record<string, z.ZodType>>;
  readonly personal: readonly string[];
}

const settings = z
  .object({ ...TenantSettings.shape, words: WordList.partial(), hook: Hook.partial().nullable() })
  .partial();
const limits = z.partialRecord(z.enum(limitNames), z.int().min(1));
const webhook = { ...WebhookSettings.shape, events: z.array(z.string()), batch: Batch.partial().nullable() };
const assistant = { ...AssistantSettings.omit({ name: true }).shape, keySetAt: TimeMs.nullable() };
const issuer = Issuer.omit({ id: true }).shape;
const roomSettings = z.object(RoomSettings.shape).partial();

const mute = { until: TimeMs.nullable() };
const ban = { ...mute, shadow: z.boolean().nullable() };

/** `before` and `after` hold only what changed. */
export const auditActions = {
  "tenant.created": { plain: { settings, limits, key: KeyId }, personal: ["name"] },
  "tenant.updated": { plain: { settings, limits }, personal: ["name"] },
  "tenant.suspended": { plain: {}, personal: [] },
  "tenant.resumed": { plain: {}, personal: [] },
  "tenant.deleted": { plain: {}, personal: [] },
  "tenant.exported": { plain: {}, personal: [] },
  "tenant.imported": { plain: { rooms: z.int().min(0) }, personal: [] },
  "key.created": { plain: { capabilities: z.array(z.enum(capabilities)) }, personal: ["name"] },
  "key.removed": { plain: { capabilities: z.array(z.enum(capabilities)) }, personal: ["name"] },
  "revocation.created": { plain: { token: TokenId, issuedBefore: TimeMs }, personal: ["reason"] },
  "issuer.created": { plain: issuer, personal: ["name"] },
  "issuer.removed": { plain: issuer, personal: ["name"] },
  "user.banned": { plain: { until: TimeMs.nullable(), shadow: z.boolean().nullable() }, personal: ["reason"] },
  "user.unbanned": { plain: { until: TimeMs.nullable(), shadow: z.boolean().nullable() }, personal: ["reason"] },
  "user.exported": { plain: {}, personal: [] },
  "user.erased": { plain: { erasure: ErasureId, messages: ErasedMessages }, personal: [] },
  "flag.resolved": { plain: { state: z.enum(["open", "resolved"]) }, personal: ["note"] },
  "hook.secret_shown": { plain: {}, personal: [] },
  "webhook.created": { plain: webhook, personal: [] },
  "webhook.updated": { plain: webhook, personal: [] },
  "webhook.removed": { plain: webhook, personal: [] },
  "webhook.secret_rotated": { plain: { secretVersion: z.int() }, personal: [] },
  "webhook.disabled": { plain: { reason: z.string() }, personal: [] },
  "webhook.replayed": { plain: { from: Seq, to: Seq }, personal: [] },
  "webhook.delivery_retried": { plain: { delivery: z.int() }, personal: [] },
  "assistant.created": { plain: assistant, personal: ["name"] },
  "assistant.updated": { plain: assistant, personal: ["name"] },
  "assistant.removed": { plain: assistant, personal: ["name"] },
  "room.created": { plain: { settings: roomSettings }, personal: [] },
  "room.updated": { plain: { settings: roomSettings }, personal: [] },
  "room.deleted": { plain: {}, personal: [] },
  "room.member_set": { plain: { role: z.enum(roles).nullable() }, personal: ["name"] },
  "room.member_removed": { plain: { role: z.enum(roles).nullable() }, personal: ["name"] },
  "room.user_kicked": { plain: {}, personal: ["reason"] },
  "room.user_banned": { plain: ban, personal: ["reason"] },
  "room.user_unbanned": { plain: ban, personal: ["reason"] },
  "room.user_muted": { plain: mute, personal: ["reason"] },
  "room.user_unmuted": { plain: mute, personal: ["reason"] },
  "room.exported": { plain: {}, personal: [] },
  "room.imported": { plain: { head: Seq }, personal: [] },
  "message.edited": { plain: {}, personal: [] },
  "message.deleted": { plain: {}, personal: [] },
  "message.cancelled": { plain: {}, personal: ["reason"] },
  "message.pinned": { plain: {}, personal: [] },
  "message.unpinned": { plain: {}, personal: [] },
} as const satisfies Record<string, ActionRow>;

export type AuditAction = keyof typeof auditActions;
export const AuditAction = z.enum(Object.keys(auditActions) as [AuditAction, ...AuditAction[]]);

type RowOf<Action extends AuditAction> = (typeof auditActions)[Action];
export type AuditDetails<Action extends AuditAction> = {
  readonly [Name in keyof RowOf<Action>["plain"]]?: z.infer<RowOf<Action>["plain"][Name]> | undefined;
} & { readonly [Name in RowOf<Action>["personal"][number]]?: string | null | undefined };

/** Whom or what it was done to. */
export const AuditTarget = z.object({
  room: RoomName.optional(),
  message: MessageId.optional(),
  key: KeyId.optional(),
  issuer: IssuerId.optional(),
  webhook: WebhookId.optional(),
  assistant: UserId.optional(),
  /** The user concerned: personal, and so is what `before` and `after` say of the user. */
  user: UserId.optional(),
});
export type AuditTarget = z.infer<typeof AuditTarget>;

export interface AuditChange<Action extends AuditAction> {
  readonly target?: AuditTarget;
  readonly before?: AuditDetails<Action>;
  readonly after?: AuditDetails<Action>;
}

/** What a room has done, on its way to the log. An id that is known already changes nothing. */
export interface Deed<Action extends AuditAction = AuditAction> {
  readonly id: string;
  readonly actor: Actor;
  readonly action: Action;
  readonly change: AuditChange<Action>;
  readonly atMs: number;
}

const Hash = z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 in hex");

/** A text of which only the digest is chained: SHA-256 over the salt and its UTF-8. Erased, it is null and so is the salt. */
export const Personal = z.strictObject({
  personal: Hash,
  salt: z
    .string()
    .regex(/^[0-9a-f]{32}$/, "16 bytes in hex")
    .nullable()
    .default(null),
  text: z.string().nullable().default(null),
});
export type Personal = z.infer<typeof Personal>;

const Details = z.record(z.string(), z.unknown()).nullable();

/** `hash` is SHA-256 over the RFC 8785 form of all the rest, with `{"personal": …}` in place of each personal text. */
export const AuditEntry = z.looseObject({
  tenant: TenantId,
  /** From 1, without a gap. */
  seq: z.int().min(1),
  at: TimeMs,
  actor: z.looseObject({
    kind: Actor.shape.kind,
    id: z.union([z.string(), Personal]).nullable(),
    asUser: Personal.optional(),
  }),
  action: z.string(),
  target: z.record(z.string(), z.unknown()),
  before: Details,
  after: Details,
  requestId: z.string(),
  /** The hash of the entry before; 64 zeros for the first. */
  previous: Hash,
  hash: Hash,
});
export type AuditEntry = z.infer<typeof AuditEntry>;

/** The newest entry; of an empty log seq 0 and 64 zeros. Whoever keeps one can prove later that nothing before it was changed. */
export const AuditHead = z.object({ seq: z.int().min(0), hash: Hash });
export type AuditHead = z.infer<typeof AuditHead>;

/** The order of a page. Only from the oldest on does each entry prove the one before it as it is read. */
export const AuditOrder = z.enum(["oldest", "newest"]);
export type AuditOrder = z.infer<typeof AuditOrder>;

export const AuditPage = z.object({ items: z.array(AuditEntry), next: z.string().optional(), head: AuditHead });
export type AuditPage = z.infer<typeof AuditPage>;
