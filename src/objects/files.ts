/** Where the bytes of files lie in the bucket. */

/** Under which all files of a tenant lie. */
export function filesOf(tenant: string): string {
  return `t/${tenant}/`;
}

/** Nothing that a client chose is part of it. */
export function fileKey(tenant: string, upload: string): string {
  return `${filesOf(tenant)}${upload}`;
}
