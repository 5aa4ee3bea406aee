/** The Worker's environment: its bindings, and its settings parsed once. */
import * as z from "zod";
import { type MasterKeys, masterKeysOf } from "./auth/masterKeys.ts";
import type { RoomBindings } from "./objects/stubs.ts";

export interface Bindings extends RoomBindings {
  readonly ASSETS: Fetcher;
  /** May hold two values while rotating. Unset: there is no operator's plane. */
  readonly OPERATOR_KEY?: string;
  /** Absent where nothing counts before the objects do. */
  readonly ADDRESS_RATE?: RateLimit;
  readonly KEY_RATE?: RateLimit;
  readonly FAILURE_RATE?: RateLimit;
  /** The header in which a proxy that is trusted says the client's address; unset, addresses are not known. */
  readonly CLIENT_ADDRESS_HEADER?: string;
  /** Set where descriptors can run out: workerd dies of that. */
  readonly MAX_CONNECTIONS?: string;
  /** How many of them connections and their rooms may take. */
  readonly MAX_FILES?: string;
}

export interface Settings {
  readonly masterKeys: MasterKeys;
  readonly operatorKey: string | undefined;
  readonly maxConnections: number;
  readonly maxFiles: number;
  /** Whether tenants may name addresses of this deployment's own network. */
  readonly privateEndpoints: boolean;
}

/** The deployment's settings are wrong. The text names them, never their values, and is told to whoever asks. */
export class SettingsFault extends Error {}

const Text = z.object({
  MASTER_KEY: z.string({ error: "MASTER_KEY is not set" }).superRefine(checkMasterKeys),
  OPERATOR_KEY: z.string().min(16, "OPERATOR_KEY has fewer than 16 characters").optional(),
  MAX_CONNECTIONS: z.coerce.number().int().min(1).optional(),
  MAX_FILES: z.coerce.number().int().min(1).optional(),
  PRIVATE_ENDPOINTS: z.literal("allow", "PRIVATE_ENDPOINTS is neither unset nor `allow`").optional(),
  LOG: z.enum(["json", "off"], "LOG is neither `json` nor `off`").optional(),
});

const parsed = new WeakMap<Bindings, Settings>();

/** Throws a `SettingsFault` when they are wrong. */
export function settingsOf(env: Bindings): Settings {
  const known = parsed.get(env);
  if (known !== undefined) return known;
  const text = Text.safeParse(env);
  if (!text.success) throw faultOf(text.error);
  const { MASTER_KEY, OPERATOR_KEY, MAX_CONNECTIONS, MAX_FILES, PRIVATE_ENDPOINTS } = text.data;
  const settings = {
    masterKeys: masterKeysOf(MASTER_KEY),
    operatorKey: OPERATOR_KEY,
    maxConnections: MAX_CONNECTIONS ?? Infinity,
    maxFiles: MAX_FILES ?? Infinity,
    privateEndpoints: PRIVATE_ENDPOINTS === "allow",
  };
  parsed.set(env, settings);
  return settings;
}

/** What is told of a wrong one is said by who parses it: the place of the fault, never what stands there. */
function checkMasterKeys(text: string, context: z.RefinementCtx): void {
  try {
    masterKeysOf(text);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    context.addIssue({ code: "custom", message: error.message.replace(/\.$/, "") });
  }
}

function faultOf({ issues }: z.ZodError): SettingsFault {
  const faults = issues.map(({ message }) => message).join("; ");
  return new SettingsFault(`This deployment is not set up: ${faults}. /guides/deploy says how.`);
}
