/** Assistants: users for whom a model speaks. What a tenant says of one, and when it answers. */
import * as z from "zod";
import { EndpointUrl } from "./endpoint.ts";
import { fixedLimits } from "./limits.ts";
import { DisplayName, UserId } from "./names.ts";

/** What a room says that has no assistant, whatever its tenant has set. */
export const noAssistant = "none";

/** The user under whom it speaks, and its name in settings. */
export const AssistantId = UserId.refine((id) => id !== noAssistant, "a reserved word");
export type AssistantId = z.infer<typeof AssistantId>;

/** What rooms go by: whom a message asks. */
const answering = {
  /** Messages that mention it, every message of a user, or those that begin with `prefix`. */
  answers: z.enum(["mention", "always", "command"]),
  prefix: z
    .string()
    .min(1)
    .max(fixedLimits.assistantPrefixLength)
    .regex(/^[^\p{Cc}\p{Cs}\p{Z}]+$/u, "no spaces or control characters")
    .nullable(),
};

const settings = {
  /** Shown beside what it says. */
  name: DisplayName.nullable(),
  /**
   * Where its model is, as OpenAI's clients name it: without `/chat/completions`. Null for a model of Workers AI, where the deployment
   * has that.
   */
  url: EndpointUrl.refine((url) => !url.includes("?"), "may have no query").nullable(),
  model: z
    .string()
    .min(1)
    .max(fixedLimits.assistantModelLength)
    .regex(/^[!-~]+$/, "visible ASCII, no spaces"),
  /** What it is told before anything else. */
  prompt: z
    .string()
    .min(1)
    .max(fixedLimits.assistantPromptLength)
    .regex(/^([^\p{Cc}]|[\n\t])*$/u, "no control characters but line breaks")
    .refine((text) => text.isWellFormed(), "holds a lone surrogate")
    .nullable(),
  ...answering,
  /** How many messages of the room it is shown, the question included. */
  history: z.int().min(1).max(fixedLimits.assistantHistoryMax),
  /** The model is asked for no more than this; null where its own limit is good enough. */
  maxTokens: z.int().min(1).max(fixedLimits.assistantTokensMax).nullable(),
  /** How long its endpoint may be silent, before its answer and within it. */
  silenceMs: z.int().min(fixedLimits.assistantSilenceMsMin).max(fixedLimits.assistantSilenceMsMax),
};

export const AssistantSettings = z.object(settings);
export type AssistantSettings = z.infer<typeof AssistantSettings>;

/** What opens its endpoint. It is never shown again. */
const Key = z
  .string()
  .min(1)
  .max(fixedLimits.assistantKeyLength)
  .regex(/^[!-~]+$/, "visible ASCII, no spaces");

/** The whole of it: what is not named has its default. Only the key stays as it was, for the address to which it was given. */
export const AssistantBody = z
  .strictObject({
    ...z.object(settings).partial().required({ url: true, model: true }).shape,
    key: Key.nullable().optional(),
  })
  .refine(
    ({ answers = "mention", prefix = null }) => (answers === "command") === (prefix !== null),
    "`prefix` goes with `answers: command`",
  );
export type AssistantBody = z.infer<typeof AssistantBody>;

/** As it is shown: never with its key. */
export const Assistant = AssistantSettings.extend({
  id: AssistantId,
  hasKey: z.boolean(),
  /** When its key was given; null where it has none. */
  keySetAt: z.int().nullable(),
  createdAt: z.int(),
});
export type Assistant = z.infer<typeof Assistant>;

/** As rooms know it. */
export const Answering = z.object({ id: AssistantId, ...answering });
export type Answering = z.infer<typeof Answering>;

/** Its key, sealed under the master key of this version for one tenant, assistant and address. */
export interface SealedKey {
  readonly masterKey: number;
  /** Base64. */
  readonly box: string;
}
