/** What a newcomer does next. It goes when there is a room. */
import { Anchor, List, Paper, Text, Title } from "@mantine/core";
import { LinkText } from "../parts/LinkText.tsx";
import { Snippet } from "../parts/Snippet.tsx";

export function FirstSteps() {
  return (
    <Paper withBorder p="md">
      <Title order={2} fz="md" mb="xs">
        No rooms yet: first steps
      </Title>
      <List type="ordered" spacing="md" size="sm">
        <List.Item>
          Send a message as your server would, with the API key in <code>KEY</code>:
          <Snippet code={firstMessage(location.origin)} copyLabel="Copy the command" />
        </List.Item>
        <List.Item>
          Make a <LinkText to="/tokens">token</LinkText> for a user of yours: browsers come with a token, never with an
          API key.
        </List.Item>
        <List.Item>
          Watch what travels in the <LinkText to="/debug">debug console</LinkText>.
        </List.Item>
        <List.Item>
          Read the <Anchor href="/docs">API reference</Anchor>.
        </List.Item>
      </List>
      <Text size="sm" c="dimmed" mt="sm">
        Your first room appears here within ten seconds.
      </Text>
    </Paper>
  );
}

function firstMessage(origin: string): string {
  return [
    `curl ${origin}/v1/rooms/general/messages \\`,
    `  -H "Authorization: Bearer $KEY" -H "Parley-User: ada" \\`,
    `  -H "Content-Type: application/json" -d '{"text":"Hello, room!"}'`,
  ].join("\n");
}
