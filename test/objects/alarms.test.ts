import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { Alarms, alarmsMigration } from "../../src/objects/alarms.ts";
import { migrate } from "../../src/objects/migrate.ts";

type Job = "early" | "late";

function withAlarms(
  name: string,
  body: (alarms: Alarms<Job>, storage: DurableObjectStorage) => Promise<void>,
): Promise<void> {
  return runInDurableObject(env.TENANT.getByName(`alarms-${name}`), async (_, { storage }) => {
    migrate(storage, [alarmsMigration]);
    await body(new Alarms<Job>(storage), storage);
    await storage.deleteAlarm();
  });
}

const farMs = 8_000_000_000_000;

test("[O8] the one alarm rings for the earliest job, and a job asked for again keeps the earlier time", async () => {
  await withAlarms("earliest", async (alarms, storage) => {
    alarms.schedule("late", farMs + 2_000);
    alarms.schedule("early", farMs + 1_000);
    alarms.schedule("early", farMs + 5_000);
    expect(await storage.getAlarm()).toBe(farMs + 1_000);
    // Another instance of the object, after it lost its memory, knows the same.
    new Alarms<Job>(storage).schedule("late", farMs + 500);
    expect(await storage.getAlarm()).toBe(farMs + 500);
  });
});

test("[O8] only what is due runs, and the alarm is set for the rest", async () => {
  await withAlarms("due", async (alarms, storage) => {
    const ran: string[] = [];
    const jobs = { early: () => void ran.push("early"), late: () => void ran.push("late") };
    alarms.schedule("early", farMs);
    alarms.schedule("late", farMs + 1_000);
    await alarms.run(farMs, jobs);
    expect(ran).toEqual(["early"]);
    expect(await storage.getAlarm()).toBe(farMs + 1_000);
    await alarms.run(farMs + 1_000, jobs);
    await alarms.run(farMs + 1_000, jobs);
    expect(ran).toEqual(["early", "late"]);
  });
});

test("[O8] a job may book itself anew, and one that throws is booked again and keeps nobody else from running", async () => {
  await withAlarms("again", async (alarms, storage) => {
    alarms.schedule("early", farMs);
    await alarms.run(farMs, { early: () => alarms.schedule("early", farMs + 7_000), late: () => {} });
    expect(await storage.getAlarm()).toBe(farMs + 7_000);
    const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
    const ran: string[] = [];
    alarms.schedule("late", farMs + 7_000);
    const failing = () => {
      throw new Error("not now");
    };
    await alarms.run(farMs + 7_000, { early: failing, late: () => void ran.push("late") });
    expect(complaints).toHaveBeenCalledOnce();
    complaints.mockRestore();
    expect(ran).toEqual(["late"]);
    expect(storage.sql.exec("SELECT name, at FROM job").toArray()).toEqual([{ name: "early", at: farMs + 37_000 }]);
  });
});

test("[O8] a job that was cut off is found again", async () => {
  await withAlarms("cut", async (alarms, storage) => {
    alarms.schedule("early", farMs);
    // The object loses its memory in the middle of the job.
    void alarms.run(farMs, { early: () => new Promise<void>(() => {}), late: () => {} });
    const ran: string[] = [];
    await new Alarms<Job>(storage).run(farMs, { early: () => void ran.push("early"), late: () => {} });
    expect(ran).toEqual(["early"]);
  });
});

test("[O8] a job that fails seven times, and an alarm that is an hour late or was given up, are each done once in the end", async () => {
  await withAlarms("seven", async (alarms, storage) => {
    const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
    let attempts = 0;
    let done = 0;
    const early = (): void => {
      if (++attempts <= 7) throw new Error("not now");
      done += 1;
    };
    const jobs = { early, late: () => {} };
    alarms.schedule("early", farMs);
    // The platform gives up an alarm that has thrown six times: this one never throws, and books itself half a minute later.
    for (let ring = 0; ring < 7; ring++) await alarms.run(farMs + ring * 30_000, jobs);
    expect([attempts, done, await storage.getAlarm()]).toEqual([7, 0, farMs + 7 * 30_000]);
    await alarms.run(farMs + 3_600_000, jobs);
    await alarms.run(farMs + 3_600_000, jobs);
    expect([attempts, done, storage.sql.exec("SELECT name FROM job").toArray()]).toEqual([8, 1, []]);
    complaints.mockRestore();
  });
  await withAlarms("given-up", async (alarms, storage) => {
    alarms.schedule("early", Date.now() - 3_600_000);
    await storage.deleteAlarm();
    // Whatever wakes the object next finds what is overdue, and the alarm rings.
    new Alarms<Job>(storage).has("late");
    expect(await storage.getAlarm()).not.toBeNull();
  });
});
