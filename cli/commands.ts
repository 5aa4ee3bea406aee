/** Every command, in the order in which the help names them. */
import type { Command } from "./command.ts";
import { bench } from "./commands/bench.ts";
import { exporting } from "./commands/export.ts";
import { history } from "./commands/history.ts";
import { importing } from "./commands/import.ts";
import { keyCreate, keyList, keyRevoke } from "./commands/key.ts";
import { members } from "./commands/members.ts";
import { publish } from "./commands/publish.ts";
import { roomGet, roomList } from "./commands/room.ts";
import { stream } from "./commands/stream.ts";
import { tail } from "./commands/tail.ts";
import { tenantCreate, tenantDelete, tenantGet, tenantList } from "./commands/tenant.ts";
import { token } from "./commands/token.ts";
import { verifyAudit } from "./commands/verifyAudit.ts";
import { webhookDeliveries, webhookList, webhookReplay } from "./commands/webhook.ts";

export const commands: readonly Command[] = [
  tail,
  publish,
  stream,
  history,
  members,
  roomList,
  roomGet,
  token,
  keyCreate,
  keyList,
  keyRevoke,
  tenantCreate,
  tenantList,
  tenantGet,
  tenantDelete,
  exporting,
  importing,
  webhookList,
  webhookDeliveries,
  webhookReplay,
  verifyAudit,
  bench,
];
