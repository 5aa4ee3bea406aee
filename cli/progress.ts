/** How much of something there is. */

const numbers = new Intl.NumberFormat("en-GB");

/** `10,234 lines, 5.2 MB` */
export function amount(lines: number, bytes: number): string {
  return `${counted(lines, "line")}, ${bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`}`;
}

export function counted(count: number, what: string): string {
  return `${numbers.format(count)} ${what}${count === 1 ? "" : "s"}`;
}
