/** The menu: the pages that the key of this session is for. */
import { NavLink, Stack, Text } from "@mantine/core";
import { createLink, useMatchRoute } from "@tanstack/react-router";
import { type Place, sections } from "./places.ts";
import { useWho } from "./who.ts";

const PlaceLink = createLink(NavLink<"a">);

export function Menu() {
  const who = useWho();
  return (
    <Stack gap="md">
      {sections
        .filter(({ audience }) => audience === "both" || audience === who.kind)
        .map(({ title, places }) => (
          <div key={title}>
            <Text size="xs" fw={600} c="dimmed" px="sm" pb={4}>
              {title}
            </Text>
            {places.map((place) => (
              <MenuItem key={place.to} place={place} />
            ))}
          </div>
        ))}
    </Stack>
  );
}

function MenuItem({ place: { to, label, icon: Icon } }: { readonly place: Place }) {
  // A page beneath it is part of it: a room is one of the rooms.
  const isActive = useMatchRoute()({ to, fuzzy: to !== "/" }) !== false;
  return (
    <PlaceLink
      to={to}
      label={label}
      leftSection={<Icon size={18} stroke={1.6} />}
      active={isActive}
      className="menu-item"
    />
  );
}
