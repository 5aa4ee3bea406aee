/** Asks a tenant's hook. */
import { nanoid } from "nanoid";
import { signedHeaders } from "../../auth/hookSignature.ts";
import { masterKeysOf } from "../../auth/masterKeys.ts";
import { askJson } from "../../outbound/askJson.ts";
import { faults } from "../../outbound/exchange.ts";
import { type Hook, HookAnswer, type HookQuestion, type HookVerdict } from "../../protocol/hook.ts";
import type { RoomBindings } from "../stubs.ts";

/** Never throws, and has an end after `timeoutMs`. */
export async function askHook(env: RoomBindings, hook: Hook, question: HookQuestion): Promise<HookVerdict> {
  const { url, timeoutMs } = hook;
  const { tenant } = question;
  const signing = { tenant, id: `msg_${nanoid()}`, body: JSON.stringify(question), nowMs: Date.now() };
  const headers = await signedHeaders(masterKeysOf(env.MASTER_KEY), signing);
  const isPrivateAllowed = env.PRIVATE_ENDPOINTS === "allow";
  const answered = await askJson({ url, isPrivateAllowed, body: question, headers, timeoutMs });
  if (!answered.ok) return { fault: faults[answered.fault] };
  const answer = HookAnswer.safeParse(answered.json);
  return answer.success ? answer.data : { fault: "what it answered is no answer" };
}
