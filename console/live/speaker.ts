/** As whom this tab is in rooms. */
import { useSessionStorage } from "@mantine/hooks";

export const speakerDefault = "console";

/** Kept for the tab: it is a name, and no secret. */
export function useSpeaker(): readonly [string, (user: string) => void] {
  const [user, setUser] = useSessionStorage({
    key: "parley-console-user",
    defaultValue: speakerDefault,
    getInitialValueInEffect: false,
  });
  return [user, setUser];
}

/** As the protocol has it: why this is no user's id, or null. */
export function unfitUser(user: string): string | null {
  return /^[^\p{C}\p{Z}/]{1,128}$/u.test(user) && !["__proto__", ".", ".."].includes(user)
    ? null
    : "1 to 128 printable characters without / or space.";
}

export function unfitRoom(name: string): string | null {
  return /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/.test(name)
    ? null
    : "1 to 128 of A-Z, a-z, 0-9 and . _ : -, beginning with a letter or digit.";
}
