/** What a session may do in its room: what its credential grants, and what its role adds. */
import { type Capability, type Role, roleCapabilities } from "../protocol/capabilities.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import type { Session } from "../protocol/session.ts";

export function may(session: Session, role: Role | null, capability: Capability): boolean {
  return session.capabilities.includes(capability) || addedBy(session, role).includes(capability);
}

/** Null when the session may. */
export function needs(session: Session, role: Role | null, capability: Capability): Refusal | null {
  return may(session, role, capability) ? null : refuse("forbidden", `This needs the capability \`${capability}\`.`);
}

/** All of them, for `welcome`. */
export function rightsOf(session: Session, role: Role | null): Capability[] {
  return [...new Set([...session.capabilities, ...addedBy(session, role)])];
}

/** Whether a session that may moderate may do so to a user of this role. */
export function outranks(session: Session, role: Role | null, theirs: Role | null): boolean {
  return theirs === null || theirs === "member" || may(session, role, "manage");
}

/**
 * A role counts only for those who may read there, and adds nothing that the API key behind the session does not have itself:
 * a key names any user it likes, so the owner's name must not make an owner of it.
 */
function addedBy({ capabilities, ceiling }: Session, role: Role | null): Capability[] {
  if (role === null || !capabilities.includes("read")) return [];
  return roleCapabilities[role].filter((capability) => ceiling.includes(capability));
}
