/** Typed `data` by Standard Schema (https://standardschema.dev), which zod, valibot, arktype and others speak. */
import { ParleyError } from "./error.ts";

/** The part of its interface that is used here, version 1. */
export interface StandardSchema<Output> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Validated<Output> | Promise<Validated<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

type Validated<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** Throws `invalid_data`. What is shown is shown at once, so a schema that answers later cannot be used. */
export function validated<Output>(schema: StandardSchema<Output> | undefined, value: unknown): Output {
  if (schema === undefined || value === null || value === undefined) return value as Output;
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) throw new TypeError("A room's schema must be synchronous.");
  if (result.issues === undefined) return result.value;
  const [issue] = result.issues;
  throw new ParleyError("invalid_data", issue?.message ?? "`data` is not valid.", { cause: result.issues });
}
