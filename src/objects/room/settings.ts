/** The room's own settings. */
import { differenceOf } from "../../core/difference.ts";
import { isSame } from "../../core/retention.ts";
import { actorOfSession } from "../../protocol/actor.ts";
import { defaultRoomSettings, type RoomSettings } from "../../protocol/message.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { crowded } from "./capacity.ts";
import type { Log } from "./log.ts";
import { applyMember } from "./members.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import type { Admitted, Outcome } from "./queue.ts";
import { lacks } from "./standing.ts";
import { roomChange } from "./store/roomRow.ts";

export type SettingsPatch = { readonly [Name in keyof RoomSettings]?: RoomSettings[Name] | undefined };

/** `founding`: the room is new. Who makes one for members only owns it, or could not enter it by his role. */
export function configure(parts: RoomParts, session: Session, patch: SettingsPatch, founding = false): Admitted {
  const refused = lacks(parts, session, "manage") ?? unkept(parts, session, patch) ?? crowded(parts);
  const founder = founding && patch.access === "members" ? session.user : null;
  const apply = (log: Log): Outcome => {
    if (founder !== null) applyMember(parts, log, session, { user: founder, name: session.name, role: "owner" });
    return applySettings(parts, log, session, patch);
  };
  return refused ?? { ok: true, entry: { bytes: 0, apply, waiters: [] }, joins: false };
}

/**
 * How long a room keeps what its users say is the tenant's promise to them, for more as for less, and so is who else reads it: no owner
 * of a room breaks it.
 */
export function unkept({ store }: RoomParts, session: Session, patch: SettingsPatch): Refusal | null {
  const settings = store.room?.settings ?? defaultRoomSettings;
  const { retentionDays = settings.retentionDays, retentionMessages = settings.retentionMessages } = patch;
  const { assistant = settings.assistant } = patch;
  const isKept = isSame(settings, { retentionDays, retentionMessages }) && assistant === settings.assistant;
  if (isKept || session.capabilities.includes("admin")) return null;
  return refuse(
    "forbidden",
    "Only the tenant's server sets `retentionDays`, `retentionMessages` and `assistant`: this needs the capability `admin`.",
  );
}

function applySettings(parts: RoomParts, log: Log, session: Session, patch: SettingsPatch): Outcome {
  const state = stateOf(parts);
  const given = Object.entries(patch).filter(([, value]) => value !== undefined);
  const settings: RoomSettings = { ...state.settings, ...Object.fromEntries(given) };
  const changed = differenceOf({ settings: state.settings }, { settings });
  if (changed === null) return { ok: true, id: 0, seq: state.seq, duplicate: true };
  const seq = log.next();
  parts.store.saveSettings(settings, seq, log.nowMs);
  parts.deeds.add(actorOfSession(session), "room.updated", changed, log.nowMs);
  if (settings.access !== state.settings.access) log.unsettle();
  log.changed({ type: "room", room: roomChange({ ...state, settings, seq }) });
  return { ok: true, id: 0, seq, duplicate: false };
}
