/** Every page of the console by its address. A page's code is loaded when it is first shown. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { Frame } from "./frame.tsx";
import { Broken } from "./pages/broken.tsx";
import { Missing } from "./pages/missing.tsx";
import type { Audience } from "./places.ts";
import { settingsSearch } from "./settings/settingsTab.ts";

declare module "@tanstack/react-router" {
  interface StaticDataRouteOption {
    /** For whose key the page is: another one is told so, and the page is not shown. `both` where nothing is said. */
    audience?: Audience;
  }
  interface Register {
    router: typeof router;
  }
}

const root = createRootRoute({ component: Frame, notFoundComponent: Missing });
const forTenant = { getParentRoute: () => root, staticData: { audience: "tenant" } } as const;
const forOperator = { getParentRoute: () => root, staticData: { audience: "operator" } } as const;

const routes = [
  createRoute({
    getParentRoute: () => root,
    path: "/",
    component: lazyRouteComponent(() => import("./pages/home.tsx"), "HomePage"),
  }),
  createRoute({
    ...forTenant,
    path: "/keys",
    component: lazyRouteComponent(() => import("./pages/keys.tsx"), "KeysPage"),
  }),
  createRoute({
    ...forTenant,
    path: "/tokens",
    component: lazyRouteComponent(() => import("./pages/tokens.tsx"), "TokensPage"),
  }),
  createRoute({
    ...forTenant,
    path: "/rooms",
    component: lazyRouteComponent(() => import("./pages/rooms.tsx"), "RoomsPage"),
  }),
  createRoute({
    ...forTenant,
    path: "/rooms/$room",
    component: lazyRouteComponent(() => import("./pages/room.tsx"), "RoomPage"),
  }),
  createRoute({
    ...forTenant,
    path: "/debug",
    component: lazyRouteComponent(() => import("./pages/debug.tsx"), "DebugPage"),
  }),
  createRoute({
    ...forOperator,
    path: "/tenants",
    component: lazyRouteComponent(() => import("./pages/tenants.tsx"), "TenantsPage"),
  }),
  createRoute({
    ...forOperator,
    path: "/tenants/$tenant",
    component: lazyRouteComponent(() => import("./pages/tenant.tsx"), "TenantPage"),
  }),
  createRoute({
    ...forTenant,
    path: "/settings",
    validateSearch: settingsSearch,
    component: lazyRouteComponent(() => import("./pages/settings.tsx"), "SettingsPage"),
  }),
  createRoute({
    ...forTenant,
    path: "/limits",
    component: lazyRouteComponent(() => import("./pages/limits.tsx"), "LimitsPage"),
  }),
  createRoute({
    ...forTenant,
    path: "/webhooks",
    component: lazyRouteComponent(() => import("./pages/webhooks.tsx"), "WebhooksPage"),
  }),
  createRoute({
    ...forTenant,
    path: "/webhooks/$webhook",
    component: lazyRouteComponent(() => import("./pages/webhook.tsx"), "WebhookPage"),
  }),
  createRoute({
    ...forTenant,
    path: "/audit",
    component: lazyRouteComponent(() => import("./pages/audit.tsx"), "AuditPage"),
  }),
  createRoute({
    ...forTenant,
    path: "/usage",
    component: lazyRouteComponent(() => import("./pages/usage.tsx"), "UsagePage"),
  }),
  createRoute({
    ...forTenant,
    path: "/moderation",
    component: lazyRouteComponent(() => import("./pages/moderation.tsx"), "ModerationPage"),
  }),
  createRoute({
    ...forTenant,
    path: "/assistants",
    component: lazyRouteComponent(() => import("./pages/assistants.tsx"), "AssistantsPage"),
  }),
] as const;

export const router = createRouter({
  routeTree: root.addChildren(routes),
  basepath: "/console",
  defaultPreload: "intent",
  defaultErrorComponent: Broken,
  scrollRestoration: true,
  rewrite: { input: ({ url }) => readable(url) },
});

/** What somebody has typed may be no address at all, such as a `%` with nothing behind it: it is taken as it stands there. */
function readable(url: URL): URL {
  const parts = url.pathname.split("/").map((part) => (isReadable(part) ? part : encodeURIComponent(part)));
  url.pathname = parts.join("/");
  return url;
}

function isReadable(part: string): boolean {
  try {
    // Always true. A call whose result is not used is left out of the bundle, and with it what it throws.
    return decodeURIComponent(part).length <= part.length;
  } catch {
    return false;
  }
}
