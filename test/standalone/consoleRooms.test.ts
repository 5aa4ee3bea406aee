/** The console's rooms, what is done in them, and what it keeps while something is wrong. */
import { consoleOfFile } from "../support/console.ts";
import { keepingTests } from "./console/keeping.ts";
import { roomFormsTests } from "./console/roomForms.ts";
import { roomHandsTests } from "./console/roomHands.ts";
import { roomLifeTests } from "./console/roomLife.ts";
import { roomsTests } from "./console/rooms.ts";
import { strangersTests } from "./console/strangers.ts";
import { troublesTests } from "./console/troubles.ts";
import { wireTests } from "./console/wire.ts";

// They share one server, one browser and one document, so their order counts.
const console = consoleOfFile();
roomsTests(console);
roomLifeTests(console);
roomFormsTests(console);
roomHandsTests(console);
strangersTests(console);
wireTests(console);
keepingTests(console);
troublesTests(console);
