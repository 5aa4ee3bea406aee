/** What the client calls before it connects, and when a token ends soon: the session's cookie goes along by itself. */
import { ParleyError } from "parley/client";

export async function getToken(): Promise<string> {
  const answer = await fetch("/api/token", { method: "POST" });
  // What is thrown is tried again, but for a ParleyError that says no: without a session it is no use to come back.
  if (answer.status === 401) throw new ParleyError("token_missing", "Sign in first.");
  if (!answer.ok) throw new Error(`No token: ${answer.status}`);
  const { token }: { readonly token: string } = await answer.json();
  return token;
}
