/** The console. Its tests stand in console/: they share one server, one browser and one document, so their order counts. */
import { afterAll, beforeAll, beforeEach } from "vitest";
import { type Console, startConsole } from "../support/console.ts";
import { credentialTests } from "./console/credentials.ts";
import { reachTests } from "./console/reach.ts";
import { adminTests } from "./console/admin.ts";
import { keepingTests } from "./console/keeping.ts";
import { roomFormsTests } from "./console/roomForms.ts";
import { roomHandsTests } from "./console/roomHands.ts";
import { roomLifeTests } from "./console/roomLife.ts";
import { roomsTests } from "./console/rooms.ts";
import { servedTests } from "./console/served.ts";
import { sessionTests } from "./console/session.ts";
import { strangersTests } from "./console/strangers.ts";
import { troublesTests } from "./console/troubles.ts";
import { walkTests } from "./console/walk.ts";
import { wireTests } from "./console/wire.ts";

let console: Console | null;
beforeAll(async () => {
  console = await startConsole();
});
beforeEach((context) => {
  if (console === null) context.skip("no chromium");
  // What fails in one test is not to fail the next.
  console?.complaints.splice(0);
});
afterAll(() => console?.close());

function started(): Console {
  if (console === null) throw new Error("the console was not started");
  return console;
}

servedTests(started);
sessionTests(started);
credentialTests(started);
reachTests(started);
roomsTests(started);
adminTests(started);
roomLifeTests(started);
roomFormsTests(started);
roomHandsTests(started);
strangersTests(started);
wireTests(started);
keepingTests(started);
troublesTests(started);
walkTests(started);
