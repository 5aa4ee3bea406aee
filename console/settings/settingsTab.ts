/** The parts of the settings, as the address names them. */

export const settingsTabs = ["general", "retention", "words", "hook", "identity", "revocations"] as const;
export type SettingsTab = (typeof settingsTabs)[number];

/** What stands in an address may be anything. */
export function settingsSearch({ tab }: Record<string, unknown>): { tab?: SettingsTab } {
  const known = settingsTabs.find((one) => one === tab);
  return known === undefined ? {} : { tab: known };
}
