/** A room's tables. The message table is the log: every change takes the next seq and stamps the row that it changed. */
import { alarmsMigration } from "../alarms.ts";
import { intakeMigration } from "./intake.ts";
import type { Migration } from "../migrate.ts";
import { ticketsMigration } from "../tickets.ts";
import { announcedMigration } from "./announced.ts";
import { bansEndMigration, bansMigration } from "./bans.ts";
import { deedsMigration } from "./deeds.ts";
import { filesMigration } from "./files.ts";
import { exceededMigration } from "./exceeded.ts";
import { questionsMigration, tooOftenMigration } from "./questions.ts";
import { outboxMigration } from "./outbox.ts";
import { streamsMigration } from "./store/streams.ts";
import { searchCleanMigration, searchMigration } from "./store/searchIndex.ts";
import { mentionsMigration } from "./store/messages.ts";
import { pinsMigration } from "./store/pins.ts";
import { repliesMigration } from "./store/replies.ts";
import { revisionsMigration } from "./store/revisions.ts";
import { veilMigration } from "./store/veil.ts";

export const migrations: readonly Migration[] = [
  alarmsMigration,
  {
    id: "room-1",
    sql: `
CREATE TABLE room (
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  seq        INTEGER NOT NULL,              -- of its last change, 0 until then
  head       INTEGER NOT NULL,              -- highest seq ever given, as of the last removal of rows
  oldest     INTEGER NOT NULL,              -- lowest id that retention has left
  floor      INTEGER NOT NULL,              -- cursors below it have missed a removal
  epoch      TEXT    NOT NULL,              -- of this history
  settings   TEXT    NOT NULL,              -- JSON
  policy     TEXT    NOT NULL,              -- JSON, the tenant's, as last heard
  messages   INTEGER NOT NULL,              -- how many there are up to counted_to
  counted_to INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT;

CREATE TABLE message (
  id          INTEGER PRIMARY KEY,          -- the seq at which it was created
  seq         INTEGER NOT NULL,             -- of its last change; = id until then
  version     INTEGER NOT NULL,
  sender      TEXT,
  sender_name TEXT,
  nonce       TEXT,
  digest      BLOB,                         -- 8 bytes of a hash of the request as sent
  text        TEXT,
  data        TEXT,                         -- JSON
  mentions    TEXT,                         -- JSON, null when empty
  reply_to    INTEGER,
  replies     INTEGER NOT NULL,
  attachments TEXT,                         -- JSON, null when empty
  reactions   TEXT,                         -- JSON, null when empty
  shadow      INTEGER,
  status      TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  edited_at   INTEGER,
  deleted_at  INTEGER,
  expires_at  INTEGER
) STRICT;
-- Exactly-once publish, for the life of the message. A message of the tenant's server has no sender: '' stands for it.
CREATE UNIQUE INDEX message_nonce   ON message (coalesce(sender, ''), nonce) WHERE nonce IS NOT NULL;
-- The only index by change, and one that a plain message does not pay for.
CREATE INDEX        message_changed ON message (seq) WHERE seq > id;
CREATE INDEX        message_reply   ON message (reply_to, id) WHERE reply_to IS NOT NULL;
CREATE INDEX        message_expiry  ON message (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE reaction (
  message INTEGER NOT NULL,
  emoji   TEXT NOT NULL,
  user    TEXT NOT NULL,
  at      INTEGER NOT NULL,
  PRIMARY KEY (message, emoji, user)
) STRICT, WITHOUT ROWID;

CREATE TABLE member (
  user         TEXT PRIMARY KEY,
  name         TEXT,
  role         TEXT,                        -- null: removed, the row stays for those who were away
  muted_until  INTEGER,
  banned_until INTEGER,
  reason       TEXT,
  read_up_to   INTEGER,
  seq          INTEGER                      -- null until a change that readers are told of
) STRICT, WITHOUT ROWID;
CREATE INDEX member_changed ON member (seq) WHERE seq IS NOT NULL;
CREATE INDEX member_read    ON member (read_up_to) WHERE read_up_to IS NOT NULL;
`,
  },
  ticketsMigration,
  {
    id: "room-2",
    sql: `
ALTER TABLE room ADD COLUMN presence_version INTEGER NOT NULL DEFAULT 0;

CREATE TABLE leaver (
  user    TEXT PRIMARY KEY,
  name    TEXT,
  state   TEXT    NOT NULL,                 -- JSON
  gone_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`,
  },
  bansMigration,
  {
    id: "room-3",
    sql: "ALTER TABLE member ADD COLUMN spoke_at INTEGER", // the last message, kept while the room is in slow mode
  },
  deedsMigration,
  {
    id: "room-4",
    sql: "CREATE INDEX message_shadow ON message (sender) WHERE shadow = 1",
  },
  {
    id: "usage-1",
    sql: `
ALTER TABLE room ADD COLUMN used_messages INTEGER NOT NULL DEFAULT 0; -- ever, in every history of this name: up to counted_to
ALTER TABLE room ADD COLUMN used_bytes    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE room ADD COLUMN used_changes  INTEGER NOT NULL DEFAULT 0; -- the same up to the seq changed_to
ALTER TABLE room ADD COLUMN changed_to    INTEGER NOT NULL DEFAULT 0;
UPDATE room SET changed_to = max(head, seq,
  coalesce((SELECT id FROM message ORDER BY id DESC LIMIT 1), 0),
  coalesce((SELECT seq FROM message WHERE seq > id ORDER BY seq DESC LIMIT 1), 0),
  coalesce((SELECT seq FROM member WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1), 0));
`,
  },
  bansEndMigration,
  {
    id: "room-5",
    sql: "ALTER TABLE room ADD COLUMN slow_since INTEGER NOT NULL DEFAULT 0", // when slow mode was last turned on
  },
  filesMigration,
  intakeMigration,
  outboxMigration,
  announcedMigration,
  exceededMigration,
  {
    id: "room-6",
    // Of the last change of the settings. Where retention has moved `seq` since, it is not known.
    sql: `
ALTER TABLE room ADD COLUMN settings_seq INTEGER NOT NULL DEFAULT 0;
UPDATE room SET settings_seq = iif(oldest = 1, seq, 0);
`,
  },
  streamsMigration,
  searchMigration,
  repliesMigration,
  veilMigration,
  pinsMigration,
  mentionsMigration,
  revisionsMigration,
  questionsMigration,
  searchCleanMigration,
  tooOftenMigration,
];
