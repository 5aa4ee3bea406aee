/** A session as many servers have it: the user's name in a cookie, signed, so that nobody can make one up. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** In real life from your settings: with this one everybody signs in anew when the server has been started again. */
const secret = randomBytes(32);

export function cookieOf(user: string): string {
  return `session=${user}.${signatureOf(user).toString("base64url")}; HttpOnly; SameSite=Lax; Path=/`;
}

/** Null for who is not signed in. */
export function userOf(request: Request): string | null {
  const [, user = "", signature = ""] =
    /(?:^|;\s*)session=([^.;]+)\.([^.;]+)/.exec(request.headers.get("cookie") ?? "") ?? [];
  const given = Buffer.from(signature, "base64url");
  const made = signatureOf(user);
  return given.length === made.length && timingSafeEqual(given, made) ? user : null;
}

function signatureOf(user: string): Buffer {
  return createHmac("sha256", secret).update(user).digest();
}
