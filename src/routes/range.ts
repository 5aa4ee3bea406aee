/** What of a file a request asks for: RFC 9110, of one range. */

export interface Range {
  readonly offset: number;
  readonly length: number;
}

export interface Asked {
  readonly headers: Headers;
  /** With its quotes; strong. */
  readonly etag: string;
  readonly size: number;
}

/**
 * `unchanged`: the client has it. `none`: there are no such bytes. Null is the whole: also for several ranges, for what is no
 * range, and where `If-Range` names another state of the file.
 */
export function wanted({ headers, etag, size }: Asked): "unchanged" | "none" | Range | null {
  const known = headers.get("if-none-match");
  if (known !== null && names(known, etag)) return "unchanged";
  const range = headers.get("range");
  const ifRange = headers.get("if-range");
  // A date is none of ours: a file never changes under its id.
  if (range === null || (ifRange !== null && ifRange !== etag)) return null;
  return rangeIn(range, size);
}

/** For `If-None-Match` a weak one is as good. */
function names(list: string, etag: string): boolean {
  return list.trim() === "*" || list.split(",").some((one) => one.trim().replace(/^W\//, "") === etag);
}

function rangeIn(range: string, size: number): "none" | Range | null {
  const [, from = "", to = ""] = /^bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})$/i.exec(range.trim()) ?? [];
  if (from === "" && to === "") return null;
  if (from === "") {
    const length = Math.min(Number(to), size);
    return length === 0 ? "none" : { offset: size - length, length };
  }
  const offset = Number(from);
  const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== "" && Number(to) < offset) return null;
  return offset >= size ? "none" : { offset, length: last - offset + 1 };
}
