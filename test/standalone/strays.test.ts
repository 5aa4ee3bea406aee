import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test, vi } from "vitest";
import { removeStrays } from "../../standalone/strays.ts";

test("[F2] bytes of which a bucket knows nothing go; where a bucket cannot be read nothing goes, and the server runs on", () => {
  const folder = mkdtempSync(join(tmpdir(), "strays-"));
  const [blobs, databases] = [join(folder, "r2/uploads/blobs"), join(folder, "r2/miniflare-R2BucketObject")];
  for (const path of [blobs, databases]) mkdirSync(path, { recursive: true });
  const bucket = new DatabaseSync(join(databases, "one.sqlite"));
  bucket.exec("CREATE TABLE _mf_objects (blob_id TEXT); INSERT INTO _mf_objects VALUES ('kept')");
  writeFileSync(join(databases, "metadata.sqlite"), "");
  for (const name of ["kept", "part", "stray"]) writeFileSync(join(blobs, name), "bytes");
  const left = (): string[] => ["kept", "part", "stray"].filter((name) => existsSync(join(blobs, name)));
  const warned = vi.spyOn(console, "error").mockReturnValue();

  // A table of it is not there, then one of two buckets is no database.
  removeStrays(folder, Date.now() + 1_000);
  bucket.exec("CREATE TABLE _mf_multipart_parts (blob_id TEXT); INSERT INTO _mf_multipart_parts VALUES ('part')");
  writeFileSync(join(databases, "two.sqlite"), "x".repeat(4_096));
  removeStrays(folder, Date.now() + 1_000);
  expect(left()).toEqual(["kept", "part", "stray"]);
  expect(warned).toHaveBeenCalledTimes(2);

  rmSync(join(databases, "two.sqlite"));
  removeStrays(folder, 0);
  expect(left()).toEqual(["kept", "part", "stray"]);
  removeStrays(folder, Date.now() + 1_000);
  expect(left()).toEqual(["kept", "part"]);
  expect(warned).toHaveBeenCalledTimes(2);
  vi.restoreAllMocks();
  bucket.close();
  rmSync(folder, { recursive: true });
});
