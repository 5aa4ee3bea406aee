/** The names of things: what may stand in a URL, a token and an object's name. */
import * as z from "zod";

/** Neither a tenant's nor a room's name can hold the `/` that joins them to an object's name, so no two pairs meet. */
export const TenantId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{1,39}$/, "2 to 40 of a-z, 0-9 and -, not beginning with -");
export type TenantId = z.infer<typeof TenantId>;

export const RoomName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/,
    "1 to 128 of A-Z, a-z, 0-9 and . _ : -, beginning with a letter or digit",
  );
export type RoomName = z.infer<typeof RoomName>;

// \p{C} holds controls, formats, surrogates, private and unassigned characters; \p{Z} every kind of space.
export const UserId = z
  .string()
  .regex(/^[^\p{C}\p{Z}/]{1,128}$/u, "1 to 128 printable characters without / or space")
  // It becomes a key of JSON objects in the hands of readers, and a part of addresses, in which dots alone lead elsewhere.
  .refine((user) => !["__proto__", ".", ".."].includes(user), "a reserved word");
export type UserId = z.infer<typeof UserId>;

export const DisplayName = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, "no control characters");

export const KeyId = z.string().regex(/^[1-9][0-9]{0,3}k[a-z2-7]{12}$/, "a key's id");
export type KeyId = z.infer<typeof KeyId>;
