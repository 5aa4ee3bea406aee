/** A tenant's tables. No secret is among them: those of API keys are derived. */
import { alarmsMigration } from "../alarms.ts";
import type { Migration } from "../migrate.ts";
import { assistantsMigration } from "./assistants.ts";
import { bansPushedMigration, tenantBansMigration } from "./bans.ts";
import { doorsMigration } from "./doors.ts";
import { endingsMigration } from "./endings.ts";
import { erasuresMigration } from "./erasures.ts";
import { flagsMigration } from "./flags.ts";
import { tenantOutboxLostMigration, tenantOutboxMigration } from "./outbox.ts";
import { ledgerMigration, ledgerRestMigration } from "./ledger.ts";
import { deletionMigration } from "./deletion.ts";
import { ticketsMigration } from "../tickets.ts";
import { issuersMigration } from "./issuers.ts";
import { untoldMigration } from "./untold.ts";
import { usageFilesMigration, usageMigration, usageWorkMigration } from "./usage.ts";
import { revocationsMigration } from "./revocations.ts";
import { uploadsMigration } from "./uploads.ts";
import { vainMigration } from "./vain.ts";
import { webhooksMigration } from "./webhooks.ts";

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
  {
    id: "audit-1",
    sql: `
CREATE TABLE audit (
  seq        INTEGER PRIMARY KEY,
  at         INTEGER NOT NULL,
  actor      TEXT NOT NULL,                 -- JSON, as the next three: texts about people stand there as digests
  action     TEXT NOT NULL,
  target     TEXT NOT NULL,
  before     TEXT,
  after      TEXT,
  request_id TEXT NOT NULL,
  previous   TEXT NOT NULL,
  hash       TEXT NOT NULL,
  deed       TEXT UNIQUE                    -- of a room, so that it is written once; not in the hash
) STRICT;
CREATE INDEX audit_action ON audit (action, seq);
CREATE TRIGGER audit_changed BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_removed BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;

CREATE TABLE audit_text (
  seq    INTEGER NOT NULL,
  digest TEXT NOT NULL,
  user   TEXT,                              -- whom it is about
  salt   TEXT,
  text   TEXT,
  PRIMARY KEY (seq, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_text_user ON audit_text (user) WHERE user IS NOT NULL;

-- For finding entries only; what it says is in the entries.
CREATE TABLE audit_name (
  part TEXT NOT NULL,                       -- actor or target
  name TEXT NOT NULL,
  seq  INTEGER NOT NULL,
  PRIMARY KEY (part, name, seq)
) STRICT, WITHOUT ROWID;
`,
  },
  ledgerMigration,
  issuersMigration,
  deletionMigration,
  usageMigration,
  flagsMigration,
  revocationsMigration,
  tenantBansMigration,
  bansPushedMigration,
  ledgerRestMigration,
  webhooksMigration,
  untoldMigration,
  tenantOutboxMigration,
  uploadsMigration,
  usageFilesMigration,
  erasuresMigration,
  endingsMigration,
  vainMigration,
  assistantsMigration,
  doorsMigration,
  tenantOutboxLostMigration,
  usageWorkMigration,
];
