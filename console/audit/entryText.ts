/** An entry of the audit log in the words of people. */
import { Personal } from "../../src/protocol/audit.ts";
import type { Entry } from "./auditQuery.ts";

/** "key 1kabc… as ada", "operator", "user bo". */
export function actorText({ kind, id, asUser }: Entry["actor"]): string {
  const name = id === null ? "" : ` ${textOf(id)}`;
  const as = asUser === undefined ? "" : ` as ${textOf(asUser)}`;
  return `${kind}${name}${as}`;
}

/** "room general, message 7". */
export function targetText(target: Entry["target"]): string {
  return Object.entries(target)
    .map(([name, value]) => `${name} ${textOf(value)}`)
    .join(", ");
}

/** As it is shown: a personal text in place of what stands for it in the chain. */
export function readable(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(readable);
  const personal = "personal" in value ? Personal.safeParse(value) : null;
  if (personal?.success === true) return personal.data.text ?? "(erased)";
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, readable(item)]));
}

function textOf(value: unknown): string {
  const shown = readable(value);
  return typeof shown === "string" ? shown : JSON.stringify(shown);
}
