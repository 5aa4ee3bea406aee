/** The room's own settings. */
import { may } from "../../core/rights.ts";
import type { RoomSettings } from "../../protocol/message.ts";
import { refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { crowded } from "./publish.ts";
import type { Admitted } from "./queue.ts";
import { standingOf } from "./standing.ts";
import { roomChange } from "./store.ts";

export type SettingsPatch = { readonly [Name in keyof RoomSettings]?: RoomSettings[Name] | undefined };

export function configure(parts: RoomParts, session: Session, patch: SettingsPatch): Admitted {
  const { store } = parts;
  if (!may(session, standingOf(parts, session).role, "manage"))
    return refuse("forbidden", "This needs the capability `manage`.");
  const full = crowded(parts);
  if (full !== null) return full;
  return {
    ok: true,
    joins: false,
    entry: {
      bytes: 0,
      waiters: [],
      apply: (log) => {
        const state = stateOf(parts);
        const settings: RoomSettings = { frozen: patch.frozen ?? state.settings.frozen };
        if (JSON.stringify(settings) === JSON.stringify(state.settings))
          return { ok: true, id: 0, seq: state.seq, duplicate: true };
        const seq = log.next();
        store.saveSettings(settings, seq);
        log.changed({ type: "room", room: roomChange({ ...state, settings, seq }) });
        return { ok: true, id: 0, seq, duplicate: false };
      },
    },
  };
}
