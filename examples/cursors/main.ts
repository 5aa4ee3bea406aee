/** Shows the page, and gives its visitors tokens for the room `cursors`: to be there and to see who is, and no more. */
import { showPage } from "../pageServer.ts";
import { ensureRoom, newToken } from "../parley.ts";

await ensureRoom("cursors");
await showPage(import.meta.dirname, {
  // Anybody may say who they are here. In real life it is whom your session knows: see ../next-server.
  "POST /token": async (request) => {
    const user = await request.text();
    return new Response(await newToken({ user, rooms: { cursors: ["read", "presence"] } }));
  },
});
