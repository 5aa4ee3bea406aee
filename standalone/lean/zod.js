/**
 * In the bundle this is `zod`: all of it but the error texts in fifty languages, 65 KB of gzip. They come along wherever zod is taken by
 * name (`import { z }`), as @hono/zod-openapi does; there, `z` is what that library needs of it. zod exports none of its parts,
 * so that they are named by their files.
 */
export * from "../../node_modules/zod/v4/classic/schemas.js";
export * from "../../node_modules/zod/v4/classic/checks.js";
export * from "../../node_modules/zod/v4/classic/errors.js";
export * from "../../node_modules/zod/v4/classic/parse.js";
export * from "../../node_modules/zod/v4/classic/compat.js";
export * as coerce from "../../node_modules/zod/v4/classic/coerce.js";
export * as iso from "../../node_modules/zod/v4/classic/iso.js";
export * as z from "../../node_modules/zod/v4/classic/schemas.js";
