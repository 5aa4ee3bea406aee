/** JSON as a person reads it, indented. What is no JSON is shown as it is. */
import { Code, ScrollArea } from "@mantine/core";

export interface JsonBlockProps {
  /** A value, or JSON as text. */
  readonly value: unknown;
  /** What it is, for those who hear it. */
  readonly label: string;
}

export function JsonBlock({ value, label }: JsonBlockProps) {
  return (
    <ScrollArea.Autosize mah={360} type="auto" viewportProps={{ tabIndex: 0, role: "region", "aria-label": label }}>
      <Code block className="anywhere json">
        {typeof value === "string" ? indented(value) : JSON.stringify(value, null, 2)}
      </Code>
    </ScrollArea.Autosize>
  );
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
