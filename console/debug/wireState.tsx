/** How the connection stands, and what its end means. */
import { Group, Text } from "@mantine/core";
import { closeMeaning } from "./closeMeaning.ts";
import type { WireState as State } from "./wire.ts";

export function WireState({ state }: { readonly state: State | null }) {
  return (
    <div role="status">
      <Group gap={6} wrap="nowrap" align="baseline">
        <span className={state?.name === "open" ? "dot dot-live" : "dot"} aria-hidden />
        <Text size="sm" className="anywhere">
          {state === null ? "Not opened yet." : state.name === "closed" ? <End state={state} /> : state.name}
        </Text>
      </Group>
    </div>
  );
}

function End({ state: { code, reason } }: { readonly state: Extract<State, { name: "closed" }> }) {
  if (code === null) return reason;
  const { names, text, instruction } = closeMeaning(code);
  return (
    <>
      Closed with <strong>{code}</strong>
      {names.length > 0 && ` (${names.join(", ")})`}: {text} {instruction}
      {reason !== "" && ` The server said “${reason}”.`}
    </>
  );
}
