import { queries } from "./queries.ts";
import { signIn } from "./session.ts";
import { whoIs } from "./who.ts";

/** Signs in with a key that the API has let in. Throws the ProblemError of one that is refused, and nothing has changed then. */
export async function enter(key: string): Promise<void> {
  const who = await whoIs(key);
  signIn(key);
  queries.setQueryData(["who"], who);
}
