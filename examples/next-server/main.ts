/** In place of Next.js, so that nothing has to be installed: the same files, by the paths that they have there. */
import { showPage } from "../pageServer.ts";
import * as session from "./app/api/session/route.ts";
import * as token from "./app/api/token/route.ts";

await showPage(import.meta.dirname, {
  "POST /api/session": session.POST,
  "POST /api/token": token.POST,
});
