/** A tenant's tables. No secret is among them: those of API keys are derived. */
import { alarmsMigration } from "../alarms.ts";
import type { Migration } from "../migrate.ts";
import { ticketsMigration } from "../tickets.ts";

export const migrations: readonly Migration[] = [
  alarmsMigration,
  {
    id: "tenant-1",
    sql: `
CREATE TABLE tenant (
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  name       TEXT    NOT NULL,
  version    INTEGER NOT NULL,              -- of the policy: grows with each change of it
  suspended  INTEGER NOT NULL,
  settings   TEXT    NOT NULL,              -- JSON
  limits     TEXT    NOT NULL,              -- JSON, only what differs from the defaults
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE key (
  id           TEXT PRIMARY KEY,
  name         TEXT,
  capabilities TEXT    NOT NULL,            -- JSON
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE room (
  name             TEXT PRIMARY KEY,
  deleted_at       INTEGER,
  created_at       INTEGER NOT NULL,
  messages         INTEGER NOT NULL,
  members          INTEGER NOT NULL,
  online           INTEGER NOT NULL,
  last_activity_at INTEGER
) STRICT, WITHOUT ROWID;
`,
  },
  ticketsMigration,
];
