/** The first page: the overview of a tenant; the operator begins with the tenants. */
import { Navigate } from "@tanstack/react-router";
import { useWho } from "../who.ts";
import { Overview } from "../overview/Overview.tsx";

export function HomePage() {
  return useWho().kind === "operator" ? <Navigate to="/tenants" replace /> : <Overview />;
}
