/** Amounts in the words of people. */

const whole = new Intl.NumberFormat("en");
/** Of a thousand each, as disks and networks are sold. */
const units = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** "12,345". */
export function count(value: number): string {
  return whole.format(value);
}

/** "1,204 min", "2.5 min". */
export function minutes(value: number): string {
  return `${value < 10 ? Number(value.toPrecision(2)) : whole.format(Math.round(value))} min`;
}

/** "25 MB"; three figures at most where it is not exact. */
export function bytes(value: number): string {
  const step = Math.min(units.length - 1, value < 1_000 ? 0 : Math.floor(Math.log10(value) / 3));
  const amount = value / 1_000 ** step;
  return `${Number(amount.toPrecision(3))} ${units[step]}`;
}
