/** What is said of the limits that the operator sets for each tenant, in the order of the page. */
import type { LimitName } from "../limits.ts";
import type { LimitNote } from "./note.ts";

const changes = "Every change: messages, edits, reactions, deletions.";
const alsoFiles = "The announcement of a file is refused.";
/** Beside a rate: how much may come all at once. */
const burst = (unit: string): LimitNote => ({ unit, code: "rate_limited", effect: "At once, before the rate counts." });

export const tenantLimitNotes: Readonly<Record<LimitName, LimitNote>> = {
  frameBytes: { unit: "bytes", code: "too_large", effect: "A longer frame of a client is refused; the socket stays." },
  textLength: { unit: "UTF-16 units", code: "too_large", effect: "The message or edit is refused." },
  dataBytes: { unit: "bytes", code: "too_large", effect: "The message or edit is refused." },
  pageSize: { unit: "messages", code: null, effect: "A page is that long at most, whatever `limit` asks for." },
  replayChanges: {
    unit: "changes",
    code: null,
    effect: "Who resumes from further back is told `gap: too_far` and begins anew. `…/changes` pages without a bound.",
  },
  replayBytes: { unit: "bytes", code: null, effect: "The same." },
  publishPerUserPerSecond: {
    unit: "changes a second",
    code: "rate_limited",
    effect: `Of one user in one room, scope \`user_in_room\`. ${changes}`,
  },
  publishPerUserBurst: burst("changes"),
  publishPerRoomPerSecond: {
    unit: "changes a second",
    code: "rate_limited",
    effect: "Of all users in one room, scope `room`.",
  },
  publishPerRoomBurst: burst("changes"),
  publishPerTenantPerSecond: {
    unit: "changes a second",
    code: "rate_limited",
    effect: "Of all rooms, scope `tenant`.",
  },
  publishPerTenantBurst: burst("changes"),
  changesPerDay: { unit: "changes a day", code: "quota_exceeded", effect: "Until midnight, UTC; scope `tenant_day`." },
  framesPerSocketPerSecond: {
    unit: "frames a second",
    code: "rate_limited",
    effect: "The frame is refused, scope `socket`. 50 refused frames in ten seconds close the socket with 4429.",
  },
  framesPerSocketBurst: burst("frames"),
  searchPerUserPerSecond: {
    unit: "searches a second",
    code: "rate_limited",
    effect: "Of one user in one room, scope `user_in_room`.",
  },
  searchPerUserBurst: burst("searches"),
  searchPerRoomPerSecond: {
    unit: "searches a second",
    code: "rate_limited",
    effect: "Of all users in one room, scope `room`.",
  },
  searchPerRoomBurst: burst("searches"),
  socketsPerRoom: { unit: "connections", code: "connection_limit", effect: "The next one is not let in." },
  socketsPerUser: {
    unit: "connections",
    code: "connection_limit",
    effect: "The user's next one to this room is not let in.",
  },
  connectionsPerUser: {
    unit: "connections",
    code: "connection_limit",
    effect: "The user's next one is not let in anywhere.",
  },
  socketsPerTenant: {
    unit: "places",
    code: "connection_limit",
    effect: "The next one is not let in; scope `tenant_sockets`.",
  },
  streamsPerUser: { unit: "messages", code: "rate_limited", effect: "The next one does not begin." },
  streamsPerRoom: { unit: "messages", code: "rate_limited", effect: "The next one does not begin." },
  streamTextLength: {
    unit: "UTF-16 units",
    code: "too_large",
    effect: "The append is refused; what was appended stays.",
  },
  appendsPerUserPerSecond: {
    unit: "appends a second",
    code: "rate_limited",
    effect: "Scope `appends`. Put pieces together.",
  },
  appendsPerUserBurst: burst("appends"),
  appendBytesPerUserPerSecond: { unit: "bytes a second", code: "rate_limited", effect: "Scope `append_bytes`." },
  appendBytesPerUserBurst: burst("bytes"),
  assistantPerUserPerMinute: {
    unit: "questions a minute",
    code: "rate_limited",
    effect:
      "Of one user in one room, scope `assistant`: over HTTP the question is refused, else the message asks nobody, and the assistant says so once a minute.",
  },
  presenceMembers: { unit: "users", code: null, effect: "Above it the count and a sample are told, and no list." },
  uploadBytes: { unit: "bytes", code: "too_large", effect: alsoFiles },
  uploadBytesPerDay: {
    unit: "bytes a day",
    code: "quota_exceeded",
    effect: `${alsoFiles} Until midnight, UTC; scope \`upload_day\`.`,
  },
  uploadBytesStored: { unit: "bytes", code: "storage_full", effect: alsoFiles },
  uploadsOpen: { unit: "files", code: "quota_exceeded", effect: alsoFiles },
  uploadsOpenPerUser: { unit: "files", code: "quota_exceeded", effect: alsoFiles },
};
