/** What a session may do in its room: what its credential grants, and what its role adds. */
import { type Capability, type Role, roleCapabilities } from "../protocol/capabilities.ts";
import type { Session } from "../protocol/session.ts";

export function may(session: Session, role: Role | null, capability: Capability): boolean {
  return session.capabilities.includes(capability) || addedBy(session, role).some((added) => added === capability);
}

/** All of them, for `welcome`. */
export function rightsOf(session: Session, role: Role | null): Capability[] {
  return [...new Set([...session.capabilities, ...addedBy(session, role)])];
}

/** A role counts only for those who may read there: a publish-only key must not become a moderator by its user's name. */
function addedBy(session: Session, role: Role | null): readonly Capability[] {
  return role !== null && session.capabilities.includes("read") ? roleCapabilities[role] : [];
}
