/** Says whose console it is to whoever was signed in by a link, until they go on to another page. */
import { Alert, Text } from "@mantine/core";
import { useRouterState } from "@tanstack/react-router";
import { useState } from "react";
import { useSession } from "./session.ts";
import { useWho } from "./who.ts";

export function ByLink() {
  const who = useWho();
  const { isByLink } = useSession();
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const [first] = useState(path);
  const [isRead, setRead] = useState(false);
  if (!isByLink || isRead || path !== first) return null;
  return (
    <Alert
      color="blue"
      mb="md"
      p="xs"
      withCloseButton
      closeButtonLabel="Close the note"
      onClose={() => setRead(true)}
      role="status"
    >
      A link has signed you in{" "}
      {who.kind === "operator" ? (
        "as the operator"
      ) : (
        <>
          to the tenant{" "}
          <Text span inherit fw={600} className="anywhere">
            {who.tenant}
          </Text>
        </>
      )}
      . If that is not what you expected, sign out.
    </Alert>
  );
}
