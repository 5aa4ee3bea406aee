/** Every command, in the order in which the help names them. */
import type { Command } from "./command.ts";
import { history } from "./commands/history.ts";
import { keyCreate, keyList, keyRevoke } from "./commands/key.ts";
import { members } from "./commands/members.ts";
import { publish } from "./commands/publish.ts";
import { roomGet, roomList } from "./commands/room.ts";
import { tail } from "./commands/tail.ts";
import { tenantCreate, tenantDelete, tenantGet, tenantList } from "./commands/tenant.ts";
import { token } from "./commands/token.ts";
import { verifyAudit } from "./commands/verifyAudit.ts";

export const commands: readonly Command[] = [
  tail,
  publish,
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
  verifyAudit,
];
