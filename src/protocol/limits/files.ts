/** Files, and their way into the bucket. */
export const fileLimits = {
  /** UTF-16 units, as the file systems that names come from allow. With its reasons it fits into the bucket's 2 KB of metadata. */
  fileNameLength: 255,
  mediaTypeLength: 127,
  /** What comes in one request: the platform takes 100 MB. Larger files come in parts. */
  uploadWholeBytes: 90_000_000,
  /** Of each part but the last: what is lost costs little to send again. The bucket takes 5 MiB and more, and 10,000 of them. */
  uploadPartBytes: 8_388_608,
  /** An upload of which nothing was heard for so long is given up: a device may be off over night. */
  uploadOpenMs: 86_400_000,
  /** What is held of a body on its way to the bucket. */
  uploadChunkBytes: 65_536,
  /** How long one request may bring bytes: far shorter than an upload is kept open, so that none is given up under its sender. */
  uploadRequestMs: 3_600_000,
  /** Of the beginning of a file: what its type and its width and height are looked for in. A photograph's preview comes before them. */
  fileHeadBytes: 262_144,
  /** How long a file may wait for the message that carries it: a draft may lie over night. */
  unattachedMs: 86_400_000,
  /** Files whose bytes are taken away at once, each asked for before, and how often in one event: it may make 1,000 calls. */
  filesPerRemoval: 100,
  removalBatches: 8,
} as const;
