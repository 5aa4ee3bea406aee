/** Where the groups of an audience come one after the other, and what each of them cost the runtime. */
import { setTimeout as delay } from "node:timers/promises";
import type { Audience, Speakers } from "./audience.ts";
import type { AudienceJob, Group } from "./audienceJob.ts";
import { EventAudience } from "./eventAudience.ts";
import { type Holdings, holdingsOf } from "./memory.ts";
import { Section } from "./section.ts";
import { SharedAudience } from "./sharedAudience.ts";
import { SocketAudience } from "./socketAudience.ts";

/** Joining causes work of its own, and memory that is soon free again. */
const SETTLE_MS = 2_000;

export class Hall {
  /** In the order in which they came. */
  readonly sections: Section[] = [];
  readonly #job: AudienceJob;
  readonly #empty: Holdings;

  constructor(job: AudienceJob) {
    this.#job = job;
    this.#empty = this.#holdings();
  }

  get places(): number {
    return this.sections.reduce((sum, { audience }) => sum + audience.places, 0);
  }

  /** Frames and events that held changes, until now. */
  get frames(): number {
    return this.sections.reduce((sum, { frames }) => sum + frames, 0);
  }

  async seatSpeakers({ by, perRoom }: AudienceJob["publishers"]): Promise<Speakers> {
    const before = this.#holdings();
    const speakers = await this.#gatherSpeakers({ by, perRoom });
    await this.#seat(speakers, { by, before, head: 0 });
    return speakers;
  }

  /** Into rooms in which so many messages were published before. */
  async seatReaders({ by, perRoom }: Group, head: number): Promise<void> {
    const { target, rooms } = this.#job;
    const before = this.#holdings();
    const readers =
      by === "events"
        ? await EventAudience.gather(target, rooms, perRoom)
        : await this.#gatherSpeakers({ by, perRoom });
    await this.#seat(readers, { by, before, head });
  }

  /** Since it was empty. */
  grown(): Holdings {
    return growth(this.#empty, this.#holdings());
  }

  async dismiss(): Promise<void> {
    await Promise.all(this.sections.map(({ audience }) => audience.dismiss()));
  }

  #gatherSpeakers({ by, perRoom }: AudienceJob["publishers"]): Promise<Speakers> {
    const { target, rooms, roomsPerConnection } = this.#job;
    return by === "sockets"
      ? SocketAudience.gather(target, rooms, perRoom)
      : SharedAudience.gather({ target, rooms, perRoom, roomsPerConnection });
  }

  async #seat(
    audience: Audience,
    { by, before, head }: { by: Group["by"]; before: Holdings; head: number },
  ): Promise<void> {
    await delay(SETTLE_MS);
    this.sections.push(new Section(by, audience, { grown: growth(before, this.#holdings()), head }));
  }

  #holdings(): Holdings {
    return holdingsOf(this.#job.runtimePids);
  }
}

function growth(before: Holdings, after: Holdings): Holdings {
  return { kilobytes: after.kilobytes - before.kilobytes, openFiles: after.openFiles - before.openFiles };
}
