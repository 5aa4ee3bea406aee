/** Asks the model, with the endpoint's key, of which nothing but this file of the objects knows. */
import { masterKeysOf } from "../../auth/masterKeys.ts";
import { openKey } from "../../auth/sealedKey.ts";
import type { Turn } from "../../core/conversation.ts";
import type { Fault } from "../../outbound/exchange.ts";
import { converse, hearEvents, type Told } from "../../outbound/converse.ts";
import type { RoomBindings } from "../stubs.ts";
import type { Engagement } from "../tenant/engage.ts";

export interface Talking {
  readonly engagement: Engagement;
  readonly turns: readonly Turn[];
  readonly onText: (text: string) => void;
  readonly signal: AbortSignal;
}

/** What can be wrong here, beside what can be wrong out there. */
export type Trouble = Fault | "locked" | "missing";
export type Spoken = Told | { readonly ok: false; readonly fault: Trouble; readonly isPassing: false };

/** Never throws. */
export async function speak(env: RoomBindings, tenant: string, talking: Talking): Promise<Spoken> {
  const { engagement, turns, onText, signal } = talking;
  const { assistant, key: sealed } = engagement;
  const { id, url, model, maxTokens, silenceMs } = assistant;
  const said = { messages: turns, stream: true, ...(maxTokens === null ? {} : { max_tokens: maxTokens }) };
  if (url === null) return speakHere(env, { model, said, silenceMs, onText, signal });
  const key = sealed && (await openKey(masterKeysOf(env.MASTER_KEY), { tenant, assistant: id, url }, sealed));
  if (sealed !== null && key === null) return { ok: false, fault: "locked", isPassing: false };
  const isPrivateAllowed = env.PRIVATE_ENDPOINTS === "allow";
  return converse({ url, isPrivateAllowed, key, body: { model, ...said }, silenceMs, signal }, onText);
}

interface Here {
  readonly model: string;
  readonly said: object;
  readonly silenceMs: number;
  readonly onText: (text: string) => void;
  readonly signal: AbortSignal;
}

/** The platform's types name each model that there was when they were made. */
interface AnyModel {
  run(model: string, said: object): Promise<unknown>;
}

async function speakHere({ AI }: RoomBindings, { model, said, silenceMs, onText, signal }: Here): Promise<Spoken> {
  if (AI === undefined) return { ok: false, fault: "missing", isPassing: false };
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), silenceMs);
  const onBytes = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), silenceMs);
  };
  const ended = AbortSignal.any([silence.signal, signal]);
  const over = new Promise<never>((_, reject) => ended.addEventListener("abort", () => reject(new Error("over"))));
  over.catch(() => undefined);
  try {
    const answer = await Promise.race([(AI as unknown as AnyModel).run(model, said), over]);
    if (!(answer instanceof ReadableStream)) return { ok: false, fault: "not_events", isPassing: false };
    const body: ReadableStream<Uint8Array> = answer.pipeThrough(new TransformStream(), { signal: ended });
    return await hearEvents(body, { onText, onBytes });
  } catch {
    return { ok: false, fault: silence.signal.aborted ? "slow" : "refused", isPassing: false };
  } finally {
    clearTimeout(timer);
  }
}
