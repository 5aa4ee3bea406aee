/**
 * In the bundle this is `zod`: what is taken of it by name, and nothing else. @hono/zod-openapi takes all of it (`import { z }`), with the error texts
 * in fifty languages, 65 KB of gzip; of that `z` it asks for one class, to which it gives a method. zod exports none of its parts, so that they
 * are named by their files.
 */
import { ZodType } from "../../node_modules/zod/v4/classic/schemas.js";

export * from "../../node_modules/zod/v4/classic/schemas.js";
export * from "../../node_modules/zod/v4/classic/checks.js";
export * from "../../node_modules/zod/v4/classic/errors.js";
export * from "../../node_modules/zod/v4/classic/parse.js";
export * from "../../node_modules/zod/v4/classic/compat.js";
export * as coerce from "../../node_modules/zod/v4/classic/coerce.js";
export * as iso from "../../node_modules/zod/v4/classic/iso.js";
export const z = { ZodType };
