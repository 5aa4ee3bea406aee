/** Where the bytes of files lie in the bucket, and how they go. */

/** Under which all files of a tenant lie. */
export function filesOf(tenant: string): string {
  return `t/${tenant}/`;
}

/** Nothing that a client chose is part of it. */
export function fileKey(tenant: string, upload: string): string {
  return `${filesOf(tenant)}${upload}`;
}

/**
 * What stands with the bytes: which room to ask about them, and what a person who looks into the bucket needs. Not whose they are:
 * it cannot be changed when the user is erased and the file stays.
 */
export function fileMetadata({ room, name }: { readonly room: string; readonly name: string }): Record<string, string> {
  return { room, name };
}

/** Removes what has come of an upload: the whole, and parts that were never put together. Safe to run twice. */
export async function discardFile(bucket: R2Bucket, key: string, multipart: string | null): Promise<void> {
  if (multipart !== null) {
    await bucket
      .resumeMultipartUpload(key, multipart)
      .abort()
      .catch((error: unknown) => {
        if (!isUnknownMultipart(error)) throw error;
      });
  }
  await bucket.delete(key);
}

/** The bucket says it with a number: the parts were put together, or given up. */
export function isUnknownMultipart(error: unknown): boolean {
  return error instanceof Error && error.message.includes("(10024)");
}
