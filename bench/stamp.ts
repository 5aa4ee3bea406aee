/**
 * The text of a message: 100 characters that carry their own number and time of sending. They are found in a received frame
 * by one byte, whatever JSON is around them, so that reading costs the generator the same for every server.
 */

/** Occurs nowhere else in a frame: no id, nonce, cursor or field name of any server here contains a tilde. */
const MARK = 0x7e;
const NUMBER_DIGITS = 7;
/** Microseconds since the machine was started: 14 digits last three years. */
const TIME_DIGITS = 14;
const TEXT_LENGTH = 100;
const PADDING = "the quick brown fox jumps over the lazy dog and then comes back for the rest of it today";

export interface Stamp {
  number: number;
  sentUs: number;
}

export function stampedText({ number, sentUs }: Stamp): string {
  const head = "~" + String(number).padStart(NUMBER_DIGITS, "0") + String(sentUs).padStart(TIME_DIGITS, "0") + " ";
  return (head + PADDING).slice(0, TEXT_LENGTH);
}

/** Calls `take` for each stamped text in a frame. One frame of Parley may carry many messages. */
export function eachStamp(frame: Buffer, take: (number: number, sentUs: number) => void): void {
  for (let at = frame.indexOf(MARK); at !== -1; at = frame.indexOf(MARK, at + TEXT_LENGTH)) {
    const numberAt = at + 1;
    take(digits(frame, numberAt, NUMBER_DIGITS), digits(frame, numberAt + NUMBER_DIGITS, TIME_DIGITS));
  }
}

function digits(frame: Buffer, from: number, count: number): number {
  let value = 0;
  for (let at = from; at < from + count; at += 1) value = value * 10 + ((frame[at] ?? 0) - 0x30);
  return value;
}
