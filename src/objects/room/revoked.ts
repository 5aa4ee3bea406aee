/** More was revoked of late than a policy lists: then the tenant is asked who it was. */
import type { Refusal } from "../../protocol/refusals.ts";
import { issuedOf, refuseRevoked, revokedBy } from "../../protocol/revocation.ts";
import type { Session } from "../../protocol/session.ts";
import type { RoomParts } from "./parts.ts";

export function isAsked({ store }: Pick<RoomParts, "store">, nowMs: number): boolean {
  const { room } = store;
  return room !== null && room.deletedAtMs === null && nowMs < room.policy.revocationsAskedUntilMs;
}

/** Why a session is welcome no longer, or null. */
export async function askAbout({ registry }: Pick<RoomParts, "registry">, session: Session): Promise<Refusal | null> {
  const [revocation = null] = await registry.revocationsOf([issuedOf(session)]);
  return revocation === null ? null : refuseRevoked(revocation);
}

/** Closes the seats that the tenant has revoked. */
export async function askAboutAll({ registry, roster }: Pick<RoomParts, "registry" | "roster">): Promise<void> {
  const seats = [...roster.seats];
  const found = await registry.revocationsOf(seats.map(({ session }) => issuedOf(session)));
  seats.forEach((seat, index) => {
    const revocation = found[index] ?? null;
    // Gone meanwhile, or here by a newer token.
    if (roster.find(seat.socket) !== seat || revocation === null) return;
    if (revokedBy(seat.session, [revocation]) === null) return;
    const { error, detail } = refuseRevoked(revocation);
    roster.close(seat, error, detail);
  });
}
