/** A piece of code to copy. */
import { Box, Code } from "@mantine/core";
import { CopyButton } from "./CopyButton.tsx";

export interface SnippetProps {
  readonly code: string;
  /** "Copy the command". */
  readonly copyLabel: string;
}

export function Snippet({ code, copyLabel }: SnippetProps) {
  return (
    <Box mt={6}>
      <Code block className="snippet" tabIndex={0} role="region" aria-label={copyLabel.replace(/^Copy /, "")}>
        {code}
      </Code>
      <Box ta="right" mt={6}>
        <CopyButton value={code} label={copyLabel} />
      </Box>
    </Box>
  );
}
