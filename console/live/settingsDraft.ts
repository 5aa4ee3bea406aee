/** A room's settings as a form has them: empty and "as the tenant has it" are null. */
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { RoomSettings } from "../../src/protocol/message.ts";
import { unfitUser } from "./speaker.ts";

export type SettingsDraft = {
  readonly frozen: boolean;
  readonly keepRevisions: boolean;
  readonly access: RoomSettings["access"];
  readonly search: "tenant" | "on" | "off";
  readonly assistant: string;
  /** A number, or what was typed so far. */
  readonly slowModeSeconds: number | string;
  readonly retentionDays: number | string;
  readonly retentionMessages: number | string;
};

/** As a new room has them. */
export const noSettings: RoomSettings = {
  frozen: false,
  slowModeMs: 0,
  access: "open",
  search: null,
  keepRevisions: false,
  assistant: null,
  retentionDays: null,
  retentionMessages: null,
};

export function draftOf(settings: RoomSettings): SettingsDraft {
  const { frozen, keepRevisions, access, search, assistant, slowModeMs, retentionDays, retentionMessages } = settings;
  return {
    frozen,
    keepRevisions,
    access,
    search: search === null ? "tenant" : search ? "on" : "off",
    assistant: assistant ?? "",
    slowModeSeconds: slowModeMs / 1_000,
    retentionDays: retentionDays ?? "",
    retentionMessages: retentionMessages ?? "",
  };
}

export function settingsOf(draft: SettingsDraft): RoomSettings {
  const { frozen, keepRevisions, access, search, assistant, slowModeSeconds, retentionDays, retentionMessages } = draft;
  return {
    frozen,
    keepRevisions,
    access,
    search: search === "tenant" ? null : search === "on",
    assistant: assistant.trim() === "" ? null : assistant.trim(),
    slowModeMs: Math.round(Number(slowModeSeconds) * 1_000),
    retentionDays: numberOr(retentionDays, null),
    retentionMessages: numberOr(retentionMessages, null),
  };
}

/** Why a value is not allowed, by field. */
export const settingsRules = {
  slowModeSeconds: (value: number | string) => within(value, fixedLimits.slowModeMsMax / 1_000, false),
  retentionDays: (value: number | string) => within(value, fixedLimits.retentionDaysMax, true),
  retentionMessages: (value: number | string) => within(value, fixedLimits.retentionMessagesMax, true),
  assistant: (value: string) => (value.trim() === "" ? null : unfitUser(value.trim())),
};

function within(value: number | string, max: number, mayBeEmpty: boolean): string | null {
  if (value === "") return mayBeEmpty ? null : "A number from 0.";
  const number = Number(value);
  const isWhole = !mayBeEmpty || Number.isInteger(number);
  return number >= 0 && number <= max && isWhole ? null : `A ${mayBeEmpty ? "whole " : ""}number from 0 to ${max}.`;
}

function numberOr(value: number | string, otherwise: null): number | null {
  return value === "" ? otherwise : Number(value);
}
