/** The audit log, the newest first and as it is filtered. */
import { infiniteQueryOptions } from "@tanstack/react-query";
import type { AuditAction } from "../../src/protocol/audit.ts";
import { answered, api } from "../api.ts";

const pageSize = "50";

export interface AuditFilter {
  readonly action: AuditAction | null;
  /** An id of a key or a user, or a kind of actor. */
  readonly actor: string;
  /** An id of what it was done to. */
  readonly target: string;
  /** Days of whoever looks, the last one included. */
  readonly from: string;
  readonly to: string;
}

export const noFilter: AuditFilter = { action: null, actor: "", target: "", from: "", to: "" };

const dayMs = 86_400_000;

export type Entry = Awaited<ReturnType<typeof read>>["items"][number];

function read(filter: AuditFilter, after: string) {
  const { action, actor, target, from, to } = filter;
  const query = {
    order: "newest" as const,
    limit: pageSize,
    ...(after === "" ? {} : { after }),
    ...(action === null ? {} : { action }),
    ...(actor === "" ? {} : { actor }),
    ...(target === "" ? {} : { target }),
    ...(from === "" ? {} : { from: String(midnight(from)) }),
    ...(to === "" ? {} : { to: String(midnight(to) + dayMs) }),
  };
  return answered(api.v1.audit.$get({ query }));
}

export function auditQuery(filter: AuditFilter) {
  return infiniteQueryOptions({
    queryKey: ["audit", filter],
    queryFn: ({ pageParam }) => read(filter, pageParam),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
  });
}

/** The day's beginning where one is: a date alone would be UTC's. */
function midnight(day: string): number {
  return new Date(`${day}T00:00`).getTime();
}
