/** What a credential may do. No zod in here: tables only. */

/** Rights of a credential in a room. */
export const roomCapabilities = [
  "read",
  "publish",
  "react",
  "edit:own",
  "edit:any",
  "delete:own",
  "delete:any",
  "presence",
  "stream",
  "upload",
  "moderate",
  "manage",
] as const;

/** `admin` is for the tenant's own plane and only an API key can hold it. */
export const capabilities = [...roomCapabilities, "admin"] as const;

export type RoomCapability = (typeof roomCapabilities)[number];
export type Capability = (typeof capabilities)[number];

export const roles = ["owner", "moderator", "member"] as const;
export type Role = (typeof roles)[number];

/** What a role adds in its room to a credential that may `read` there. */
export const roleCapabilities: Readonly<Record<Role, readonly RoomCapability[]>> = {
  owner: ["moderate", "delete:any", "manage", "edit:any"],
  moderator: ["moderate", "delete:any"],
  member: [],
};
