/** What stands around every page: the menu, the way to skip it, and what concerns the session. */
import { AppShell, Burger, Group, ScrollArea, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link, Outlet, useMatches, useRouterState } from "@tanstack/react-router";
import { useEffect } from "react";
import { ByLink } from "./byLink.tsx";
import { Menu } from "./menu.tsx";
import { WrongAudience } from "./pages/wrongAudience.tsx";
import { SessionControls } from "./sessionControls.tsx";
import { useWho } from "./who.ts";

export function Frame() {
  const [isOpen, { toggle, close }] = useDisclosure(false);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  useEffect(close, [path, close]);
  return (
    <>
      <a className="skip-link" href="#main" onClick={skip}>
        Skip to the page
      </a>
      <AppShell
        header={{ height: 52 }}
        navbar={{ width: 220, breakpoint: "sm", collapsed: { mobile: !isOpen } }}
        padding={{ base: "md", sm: "lg" }}
        transitionDuration={0}
      >
        <AppShell.Header>
          <Group h="100%" px="md" justify="space-between" wrap="nowrap">
            <Group gap="sm" wrap="nowrap">
              <Burger
                opened={isOpen}
                onClick={toggle}
                hiddenFrom="sm"
                size="sm"
                aria-label={isOpen ? "Close the menu" : "Open the menu"}
                aria-expanded={isOpen}
              />
              <Link to="/" className="brand">
                <img src="/favicon.svg" alt="" width="24" height="24" />
                <Text fw={600}>Parley</Text>
              </Link>
            </Group>
            <SessionControls />
          </Group>
        </AppShell.Header>
        <AppShell.Navbar aria-label="Pages" className={isOpen ? "" : "closed-menu"}>
          <ScrollArea p="xs">
            <Menu />
          </ScrollArea>
        </AppShell.Navbar>
        <AppShell.Main id="main">
          <div className="page">
            <ByLink />
            <Shown />
          </div>
        </AppShell.Main>
      </AppShell>
    </>
  );
}

/** The page, unless it is for another kind of key: asked with this one, the API would only say no. */
function Shown() {
  const who = useWho();
  const audience = useMatches({ select: (matches) => matches.at(-1)?.staticData.audience ?? "both" });
  return audience === "both" || audience === who.kind ? <Outlet /> : <WrongAudience audience={audience} />;
}

/** Focus goes to the page's heading. The address stays as it is: its fragment is the router's. */
function skip(event: React.MouseEvent): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("#main h1")?.focus();
}
