/** `POST /api/session`: signs somebody in. You have this already: here nobody asks for a password. */
import * as z from "zod";
import { cookieOf } from "../../session.ts";

const Visitor = z.object({ user: z.string().regex(/^[a-z0-9]{1,32}$/) });

export async function POST(request: Request): Promise<Response> {
  const visitor = Visitor.safeParse(await request.json());
  if (!visitor.success) return Response.json({ error: "A name has letters and digits." }, { status: 400 });
  return new Response(null, { status: 204, headers: { "Set-Cookie": cookieOf(visitor.data.user) } });
}
