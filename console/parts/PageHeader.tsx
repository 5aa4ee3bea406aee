/** Begins every page: its heading, which takes the focus when one comes to the page, and its title in the browser's tab. */
import { Group, Text, Title } from "@mantine/core";
import { useMatch } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";

export interface PageHeaderProps {
  readonly title: string;
  /** What one can do here, in a sentence. */
  readonly description?: ReactNode;
  /** Buttons at the right: the one filled button of the page is here. */
  readonly actions?: ReactNode;
}

export function PageHeader({ title, description, actions }: PageHeaderProps) {
  const heading = useFocusOnArrival();
  useEffect(() => {
    document.title = `${title} · Parley`;
  }, [title]);
  return (
    <Group justify="space-between" align="flex-start" mb="lg" gap="sm">
      <div>
        <Title order={1} tabIndex={-1} ref={heading} className="anywhere">
          {title}
        </Title>
        {description !== undefined && (
          <Text c="dimmed" size="sm" mt={4} maw="44rem">
            {description}
          </Text>
        )}
      </div>
      {actions !== undefined && <Group gap="sm">{actions}</Group>}
    </Group>
  );
}

/** So that who listens to the page hears where they are. On the first page the focus stays where a browser puts it: before the skip link. */
function useFocusOnArrival() {
  const heading = useRef<HTMLHeadingElement>(null);
  // Of the page that is shown, while the address may already be that of the next one.
  const match = useMatch({ strict: false, select: ({ id }) => id });
  useEffect(() => {
    first ??= match;
    hasMoved ||= match !== first;
    if (hasMoved) heading.current?.focus({ preventScroll: true });
  }, [match]);
  return heading;
}

/** The page that the document began with. Its heading may come twice: while it loads, and then. */
let first: string | undefined;
let hasMoved = false;
