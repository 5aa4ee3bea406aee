/** A secret that is shown this one time: keys, webhook secrets. It is held by the page alone, and gone with it. */
import { Alert, Code, Group } from "@mantine/core";
import { IconKey } from "@tabler/icons-react";
import { CopyButton } from "./CopyButton.tsx";

export interface SecretOnceProps {
  readonly secret: string;
  /** "Your new API key". */
  readonly title: string;
  /** "Copy the key". */
  readonly copyLabel: string;
}

export function SecretOnce({ secret, title, copyLabel }: SecretOnceProps) {
  return (
    <Alert color="parley" icon={<IconKey />} title={title} role="status">
      Copy it now: it is stored nowhere, and cannot be shown again.
      <Group mt="sm" gap="sm" wrap="nowrap" align="flex-start">
        <Code block className="snippet" flex={1} miw={0} data-secret>
          {secret}
        </Code>
        <CopyButton value={secret} label={copyLabel} autoFocus />
      </Group>
    </Alert>
  );
}
