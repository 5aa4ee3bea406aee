/** The console: who is signed in, the pages of administration, and a walk through every page. Its rooms are in consoleRooms.test.ts. */
import { consoleOfFile } from "../support/console.ts";
import { adminTests } from "./console/admin.ts";
import { credentialTests } from "./console/credentials.ts";
import { reachTests } from "./console/reach.ts";
import { servedTests } from "./console/served.ts";
import { sessionTests } from "./console/session.ts";
import { walkTests } from "./console/walk.ts";

// They share one server, one browser and one document, so their order counts.
const console = consoleOfFile();
servedTests(console);
sessionTests(console);
credentialTests(console);
reachTests(console);
adminTests(console);
walkTests(console);
