/** What the launcher is told through environment variables. */
import { isIP } from "node:net";
import { resolve } from "node:path";
import * as z from "zod";
import { parseMasterKeys } from "../src/auth/masterKeys.ts";
import { Failure } from "./failure.ts";

// No message repeats what was given: it may be a secret.
export const Environment = z.object({
  // 0 takes any free port, which the last line then names.
  PORT: wholeNumber(0, 65_535).default(8787),
  HOST: z
    .string()
    .transform((host) => (host === "localhost" ? "127.0.0.1" : host))
    .refine((host) => isIP(host) !== 0, "must be an address of this machine, such as 127.0.0.1 or 0.0.0.0")
    .default("127.0.0.1"),
  DATA_DIR: z
    .string()
    .default("./data")
    .transform((folder) => resolve(folder)),
  OPERATOR_KEY: z
    .string()
    .regex(
      /^[!-+\--~]{16,}( *, *[!-+\--~]{16,})?$/,
      "must be 16 or more visible characters, or two such keys with a comma between them",
    )
    .optional(),
  MASTER_KEY: z.string().superRefine(checkMasterKeys).optional(),
  GENERATION: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, "must be a whole number from 1")
    .optional(),
  MAX_CONNECTIONS: wholeNumber(1, 9_999_999).optional(),
  LOG: z.enum(["json", "off"], "must be json or off").optional(),
  PRIVATE_ENDPOINTS: z.literal("allow", "must be allow, or not set").optional(),
  CLIENT_ADDRESS_HEADER: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, "must be a header's name")
    .optional(),
});
export type Environment = z.infer<typeof Environment>;

/** Throws a Failure that names every wrong variable. An empty variable counts as one that is not set. */
export function readEnvironment(variables: NodeJS.ProcessEnv): Environment {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ""));
  const parsed = Environment.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Failure(parsed.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`).join("; "));
}

function wholeNumber(least: number, most: number) {
  const message = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, { message, abort: true })
    .transform(Number)
    .refine((number) => number >= least && number <= most, message);
}

// The Worker parses them again; here a fault ends the start instead of every request.
function checkMasterKeys(text: string, context: z.RefinementCtx): void {
  try {
    parseMasterKeys(text);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    context.addIssue({ code: "custom", message: error.message.replace(/^MASTER_KEY:? /, "") });
  }
}
