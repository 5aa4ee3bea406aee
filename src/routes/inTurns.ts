/** Does the same for many, a few at a time: the platform opens six connections for one request, and lets the others wait. */
import { fixedLimits } from "../protocol/limits.ts";

/** The answers in the order of the items. The first that fails ends it. */
export async function inTurns<Item, Answer>(
  items: readonly Item[],
  ask: (item: Item, index: number) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let next = 0; next < items.length; next += fixedLimits.joinsAtOnce) {
    const some = items.slice(next, next + fixedLimits.joinsAtOnce);
    answers.push(...(await Promise.all(some.map((item, index) => ask(item, next + index)))));
  }
  return answers;
}
