/** A stream of events whose body is told when it has ended. */
import type { Answer, Stream, StreamEar } from "../scenarios/ground.ts";

const fieldNames = new Set(["event", "data", "id", "retry"]);

export function hearWhole(answered: Promise<Answer>, ear: StreamEar): Stream {
  void answered.then((answer) => {
    if (answer.status !== 0) ear.opened(answer);
    ear.closed(tell(answer.body, ear));
  });
  return {
    cut: () => {
      throw new Error("a stream that is heard when it has ended cannot be cut");
    },
  };
}

/** How many lines are no event's. */
function tell(body: string, ear: StreamEar): number {
  let faults = 0;
  for (const block of body.split("\n\n")) {
    const fields = new Map<string, string>();
    for (const line of block.split("\n")) {
      const [, name = "?", value = ""] = /^([a-z]*): ?(.*)$/.exec(line) ?? [];
      if (name === "") ear.beat();
      else if (fieldNames.has(name)) fields.set(name, value);
      else if (line !== "") faults += 1;
    }
    const [name, data] = [fields.get("event"), fields.get("data")];
    if (name !== undefined && data !== undefined) ear.event({ name, id: fields.get("id") ?? null, data });
  }
  return faults;
}
