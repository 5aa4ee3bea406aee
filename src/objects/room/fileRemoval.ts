/**
 * Takes away the bytes of files that are shown to nobody any more, after the transaction that said so, again and again until it is
 * done: first the bytes, then their place in the tenant's quota, then the row that remembers both.
 */
import pLimit from "p-limit";
import { fixedLimits } from "../../protocol/limits.ts";
import { fileKey } from "../files.ts";
import type { TenantStub } from "../stubs.ts";
import type { Files } from "./files.ts";

/** When the alarm takes away what could not be taken away at first. */
const againAfterMs = 2_000;

export interface FileRemovalOptions {
  readonly tenant: string;
  /** The room's name. */
  readonly room: string;
  readonly files: Files;
  readonly storage: DurableObjectStorage;
  readonly bucket: Pick<R2Bucket, "head" | "delete">;
  readonly registry: Pick<TenantStub, "releaseUploads">;
  /** The tenant has ended, and the tables with it. */
  readonly isErased: () => boolean;
  /** Books the alarm, or with null cancels it. */
  readonly book: (atMs: number | null) => void;
}

export class FileRemoval {
  readonly #options: FileRemovalOptions;
  #running: Promise<void> | null = null;

  constructor(options: FileRemovalOptions) {
    this.#options = options;
  }

  /** The files have changed. Takes away at once what is removed; should that fail, the alarm does, and complains. */
  heed(nowMs: number): void {
    if (this.#options.isErased()) return;
    if (this.#book(nowMs + againAfterMs) === "removal") void this.#run().catch(() => undefined);
  }

  /** The alarm: also what has waited for a message for too long is removed. Throws where something could not be taken away now. */
  async sweep(nowMs: number): Promise<void> {
    this.#options.files.removeWaiting(nowMs - fixedLimits.unattachedMs, nowMs);
    await this.#run();
  }

  #run(): Promise<void> {
    this.#running ??= this.#takeAway().finally(() => (this.#running = null));
    return this.#running;
  }

  async #takeAway(): Promise<void> {
    const { tenant, files, storage, bucket, registry, isErased } = this.#options;
    for (let batch = 0; batch < fixedLimits.removalBatches; batch++) {
      const ids = files.removed(fixedLimits.filesPerRemoval);
      if (ids.length === 0) break;
      // Bytes do not come back: whatever is cut off here, nothing that is stored may still show them.
      await storage.sync();
      const own = await this.#ownOf(ids);
      if (own.length > 0) await bucket.delete(own.map((id) => fileKey(tenant, id)));
      await registry.releaseUploads(own);
      if (isErased()) return;
      files.forget(ids);
    }
    this.#book(Date.now());
  }

  /** A message that was imported may name a file of another room, which is not ours to take away. */
  async #ownOf(ids: readonly string[]): Promise<string[]> {
    const { tenant, room, bucket } = this.#options;
    const turns = pLimit(fixedLimits.joinsAtOnce);
    const found = await Promise.all(ids.map((id) => turns(() => bucket.head(fileKey(tenant, id)))));
    return ids.filter((_, index) => (found[index]?.customMetadata?.["room"] ?? room) === room);
  }

  /** For what is removed at `atMs`, else for the first of those that wait. */
  #book(atMs: number): "removal" | "waiting" {
    const { files, book } = this.#options;
    if (files.removed(1).length > 0) {
      book(atMs);
      return "removal";
    }
    const sinceMs = files.waitingSinceMs;
    book(sinceMs === null ? null : sinceMs + fixedLimits.unattachedMs);
    return "waiting";
  }
}
