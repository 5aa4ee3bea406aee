/** The platform's own models exist on the platform alone: here stands what its documentation says that `AI.run` gives. */
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { type Spoken, speak } from "../../src/objects/assistant/model.ts";
import { Terms } from "../../src/protocol/policy.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";

type Run = (model: string, said: object) => Promise<unknown>;

const turns = [{ role: "user" as const, content: "How late is it?" }];
const assistant = {
  id: "helper",
  name: null,
  url: null,
  model: "@cf/meta/llama-3.1-8b-instruct",
  prompt: null,
  answers: "mention" as const,
  prefix: null,
  history: 20,
  maxTokens: 64,
  silenceMs: 200,
};

async function spokenBy(run: Run | null, signal = new AbortController().signal): Promise<[Spoken, string]> {
  const policy = Terms.parse({ version: 0, limits: defaultLimits, autoCreate: true });
  const own = { ...env, MASTER_KEY: "1:no-endpoint-has-a-key-here-no-endpoint" };
  const bindings = run === null ? own : { ...own, AI: { run } as unknown as Ai };
  let text = "";
  const onText = (piece: string): void => void (text += piece);
  const spoken = await speak(bindings, "acme", { engagement: { assistant, key: null, policy }, turns, onText, signal });
  return [spoken, text];
}

function streamOf(...pieces: readonly string[]): ReadableStream<Uint8Array> {
  return new Response(pieces.join("")).body as ReadableStream<Uint8Array>;
}

test("[I15] a model of the platform is asked by its name and heard piece by piece, to its end", async () => {
  const asked: unknown[] = [];
  const run: Run = async (...given) => {
    asked.push(given);
    return streamOf('data: {"response":"Hal', 'f past "}\n\ndata: {"response":"nine."}\n\n', "data: [DONE]\n\n");
  };
  expect(await spokenBy(run)).toEqual([{ ok: true }, "Half past nine."]);
  expect(asked).toEqual([[assistant.model, { messages: turns, stream: true, max_tokens: 64 }]]);
});

test("[I15] where it is not bound, fails, gives no stream, breaks off or falls silent, the answer says so", async () => {
  const fault = (said: Spoken): string => (said.ok ? "none" : said.fault);
  const faultOf = async (run: Run | null): Promise<string> => fault((await spokenBy(run))[0]);
  expect(await faultOf(null)).toBe("missing");
  expect(await faultOf(() => Promise.reject(new Error("5007: no such model")))).toBe("refused");
  expect(await faultOf(async () => ({ response: "all at once" }))).toBe("not_events");
  expect(await faultOf(() => new Promise(() => undefined))).toBe("slow");
  const [broken, text] = await spokenBy(async () => streamOf('data: {"response":"Half"}\n\n'));
  expect([broken.ok, text]).toEqual([false, "Half"]);
});

test("[I15] who cancels is obeyed in the midst of it, and the model is left", async () => {
  const cancelling = new AbortController();
  let isLeft = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      controller.enqueue(new TextEncoder().encode('data: {"response":"and "}\n\n'));
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
    cancel: () => void (isLeft = true),
  });
  setTimeout(() => cancelling.abort(), 50);
  const [spoken, text] = await spokenBy(async () => endless, cancelling.signal);
  expect([spoken.ok, isLeft]).toEqual([false, true]);
  expect(text).toMatch(/^(and )+$/);
});
