/** A generator process: takes one job from the runner, does it, reports and ends. It is never the server's process. */
import { burst } from "./burst.ts";
import { delivery } from "./delivery.ts";
import { depth } from "./depth.ts";
import { fanOut } from "./fanOut.ts";
import { ingest } from "./ingest.ts";
import { Job, type Report, Word } from "./jobs.ts";
import { multitude } from "./multitude.ts";
import { presence } from "./presence.ts";
import { quietRead } from "./quietRead.ts";
import { request } from "./request.ts";
import { revocation } from "./revocation.ts";
import { wake } from "./wake.ts";

// Without its runner a generator has nobody to report to.
process.on("disconnect", () => process.exit(1));
process.once("message", (raw) => {
  perform(Job.parse(raw)).then(
    (result) => report({ kind: "result", result }),
    (error: unknown) => report({ kind: "failure", message: error instanceof Error ? error.message : String(error) }),
  );
});

async function perform(job: Job): Promise<unknown> {
  switch (job.kind) {
    case "fan-out":
      return fanOut(job);
    case "audience":
      return delivery(job);
    case "presence":
      return presence(job);
    case "revocation":
      return revocation(job);
    case "multitude":
      return multitude(job);
    case "depth":
      return depth(job);
    case "wake":
      return wake(job);
    case "request":
      return request(job);
    case "ingest":
      return ingest(job);
    case "burst":
      return burst(job, async () => {
        const go = heard("go");
        await report({ kind: "ready" });
        await go;
      });
    case "quiet": {
      let stopped = false;
      void heard("stop").then(() => (stopped = true));
      await report({ kind: "ready" });
      return quietRead(job, () => stopped);
    }
  }
}

function heard(word: Word): Promise<void> {
  return new Promise((resolve) => {
    process.on("message", (raw) => {
      if (Word.safeParse(raw).data === word) resolve();
    });
  });
}

function report(message: Report): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}
