/** Copies a text, and says that it did. */
import { Button, type ButtonProps, CopyButton as MantineCopyButton } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";

export interface CopyButtonProps extends ButtonProps {
  readonly value: string;
  /** What is copied, for those who hear it: "Copy the key". */
  readonly label: string;
  readonly autoFocus?: boolean;
}

export function CopyButton({ value, label, ...props }: CopyButtonProps) {
  return (
    <MantineCopyButton value={value} timeout={2_000}>
      {({ copied, copy }) => (
        <Button
          variant="default"
          size="xs"
          {...props}
          onClick={copy}
          aria-label={copied ? "Copied" : label}
          aria-live="polite"
          leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
        >
          {copied ? "Copied" : "Copy"}
        </Button>
      )}
    </MantineCopyButton>
  );
}
