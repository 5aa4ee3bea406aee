/** The room's own settings. */
import type { RoomSettings } from "../../protocol/message.ts";
import type { Session } from "../../protocol/session.ts";
import { crowded } from "./capacity.ts";
import type { Log } from "./log.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import type { Admitted, Outcome } from "./queue.ts";
import { lacks } from "./standing.ts";
import { roomChange } from "./store.ts";

export type SettingsPatch = { readonly [Name in keyof RoomSettings]?: RoomSettings[Name] | undefined };

export function configure(parts: RoomParts, session: Session, patch: SettingsPatch): Admitted {
  const refused = lacks(parts, session, "manage") ?? crowded(parts);
  const apply = (log: Log): Outcome => applySettings(parts, log, patch);
  return refused ?? { ok: true, entry: { bytes: 0, apply, waiters: [] }, joins: false };
}

function applySettings(parts: RoomParts, log: Log, patch: SettingsPatch): Outcome {
  const state = stateOf(parts);
  const settings: RoomSettings = { frozen: patch.frozen ?? state.settings.frozen };
  if (JSON.stringify(settings) === JSON.stringify(state.settings))
    return { ok: true, id: 0, seq: state.seq, duplicate: true };
  const seq = log.next();
  parts.store.saveSettings(settings, seq);
  log.changed({ type: "room", room: roomChange({ ...state, settings, seq }) });
  return { ok: true, id: 0, seq, duplicate: false };
}
