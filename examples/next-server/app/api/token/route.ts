/** `POST /api/token`: a token of Parley for whom the session knows. This is all that a server of yours must have. */
import { newToken } from "../../../../parley.ts";
import { userOf } from "../../session.ts";

export async function POST(request: Request): Promise<Response> {
  const user = userOf(request);
  if (user === null) return Response.json({ error: "Sign in first." }, { status: 401 });
  // What somebody may do is decided here, by what you know of them. The page is only given it.
  const token = await newToken({
    user,
    rooms: { "next-server": ["read", "publish"], [`notes:${user}`]: ["read", "publish", "edit:own"] },
    expiresInSeconds: 900,
  });
  return Response.json({ token }, { headers: { "Cache-Control": "no-store" } });
}
