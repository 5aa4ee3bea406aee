/** What is said of limits: files. */
import type { FixedNotes } from "./note.ts";

export const fileNotes: FixedNotes = {
  uploadWholeBytes: {
    what: "A file that comes in one request",
    unit: "bytes",
    code: null,
    effect: "A larger one comes in parts.",
  },
  uploadPartBytes: {
    what: "A part",
    unit: "bytes",
    code: "bad_request",
    effect: "A part of another size is refused.",
  },
  uploadOpenMs: {
    what: "An upload that nobody goes on with",
    unit: "ms",
    code: "not_found",
    effect: "It is given up.",
  },
  unattachedMs: {
    what: "A complete file that no message carries",
    unit: "ms",
    code: "not_found",
    effect: "It is removed.",
  },
  fileNameLength: {
    what: "The name of a file",
    unit: "UTF-16 units",
    code: "invalid_field",
    effect: "The announcement is refused.",
  },
};
