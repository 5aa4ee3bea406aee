/** A message of nothing but text, which nearly every frame is: known without zod, which may compile nothing on workerd and takes its time. */
import type { PublishFrame } from "./clientFrames.ts";
import { fixedLimits } from "./limits.ts";
import { tenantLimits } from "./limits/tenant.ts";
import { nonceForm } from "./message.ts";

/** True only for what `PublishFrame` takes as it is. Of anything else it says nothing: zod decides, and has the words for it. */
export function isPlainPublish(value: unknown): value is PublishFrame {
  if (typeof value !== "object" || value === null || !("type" in value) || value.type !== "publish") return false;
  if (!("nonce" in value && "text" in value)) return false;
  const ref = "ref" in value ? value.ref : "";
  // It has these fields, so where there are as many as these there is no other.
  if (Object.keys(value).length !== ("ref" in value ? 4 : 3)) return false;
  const { nonce, text } = value;
  return (
    isString(ref, fixedLimits.refLength) &&
    isString(text, tenantLimits.textLength.ceiling) &&
    typeof nonce === "string" &&
    nonceForm.test(nonce)
  );
}

function isString(value: unknown, most: number): boolean {
  return typeof value === "string" && value.length <= most && value.isWellFormed();
}
