/** At the right of the header: whose key it is, dark or light, and the way out. */
import { ActionIcon, Button, Group, Text, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { IconLogout, IconMoon, IconSun } from "@tabler/icons-react";
import { signOut } from "./session.ts";
import { useWho } from "./who.ts";

export function SessionControls() {
  const who = useWho();
  return (
    <Group gap="xs" wrap="nowrap">
      <Text size="sm" truncate maw={{ base: "9rem", sm: "20rem" }}>
        {who.kind === "operator" ? (
          "Operator"
        ) : (
          <>
            <Text span inherit c="dimmed" visibleFrom="sm">
              Tenant{" "}
            </Text>
            <Text span inherit fw={600}>
              {who.tenant}
            </Text>
          </>
        )}
      </Text>
      <SchemeSwitch />
      <Button
        variant="subtle"
        color="gray"
        size="compact-sm"
        onClick={signOut}
        leftSection={<IconLogout size={16} />}
        visibleFrom="sm"
      >
        Sign out
      </Button>
      <ActionIcon variant="subtle" color="gray" onClick={signOut} aria-label="Sign out" hiddenFrom="sm">
        <IconLogout size={18} />
      </ActionIcon>
    </Group>
  );
}

/** Until it is used, the console follows the system. */
function SchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme("light", { getInitialValueInEffect: false }) === "dark";
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      onClick={() => setColorScheme(isDark ? "light" : "dark")}
      aria-label={isDark ? "Switch to light" : "Switch to dark"}
    >
      {isDark ? <IconSun size={18} /> : <IconMoon size={18} />}
    </ActionIcon>
  );
}
