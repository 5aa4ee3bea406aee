/** An assistant as its form holds it, and as the API takes it. */
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { Assistant } from "./assistantsQuery.ts";

export type AssistantValues = {
  id: string;
  name: string;
  url: string;
  model: string;
  /** Empty where it stays as it is. */
  key: string;
  prompt: string;
  answers: string;
  prefix: string;
  history: number | string;
  maxTokens: number | string;
  silenceMs: number | string;
};

export function valuesOf(assistant: Assistant | null): AssistantValues {
  return {
    id: assistant?.id ?? "",
    name: assistant?.name ?? "",
    url: assistant?.url ?? "",
    model: assistant?.model ?? "",
    key: "",
    prompt: assistant?.prompt ?? "",
    answers: assistant?.answers ?? "mention",
    prefix: assistant?.prefix ?? "",
    history: assistant?.history ?? fixedLimits.assistantHistoryDefault,
    maxTokens: assistant?.maxTokens ?? "",
    silenceMs: assistant?.silenceMs ?? fixedLimits.assistantSilenceMsDefault,
  };
}

export type AssistantRequest = ReturnType<typeof bodyOf>;

export function bodyOf(values: AssistantValues) {
  const { name, url, model, key, prompt, answers, prefix, history, maxTokens, silenceMs } = values;
  const when = answersOf(answers);
  return {
    name: orNull(name),
    url: orNull(url.trim()),
    model: model.trim(),
    prompt: orNull(prompt),
    answers: when,
    prefix: when === "command" ? prefix.trim() : null,
    history: history === "" ? Number.NaN : Number(history),
    maxTokens: maxTokens === "" ? null : Number(maxTokens),
    silenceMs: silenceMs === "" ? Number.NaN : Number(silenceMs),
    ...(key === "" ? {} : { key: key.trim() }),
  };
}

function answersOf(text: string): Assistant["answers"] {
  return text === "always" || text === "command" ? text : "mention";
}

function orNull(text: string): string | null {
  return text === "" ? null : text;
}
