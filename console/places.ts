/** Where everything is: the pages of the menu, who they are for, and in which order they stand there. */
import {
  IconActivity,
  IconBuildingCommunity,
  IconChartBar,
  IconClipboardList,
  IconGauge,
  IconKey,
  IconLayoutDashboard,
  IconMessages,
  IconRobot,
  IconSettings,
  IconShieldHalf,
  IconTicket,
  IconWebhook,
} from "@tabler/icons-react";
import type { ComponentType } from "react";

/** `both`: shown to a tenant's key and to the operator's. */
export type Audience = "tenant" | "operator" | "both";

export interface Place {
  readonly to: string;
  readonly label: string;
  readonly icon: ComponentType<{ size?: number; stroke?: number }>;
}

export interface Section {
  readonly title: string;
  readonly audience: Audience;
  readonly places: readonly Place[];
}

export const sections: readonly Section[] = [
  {
    title: "Operator",
    audience: "operator",
    places: [{ to: "/tenants", label: "Tenants", icon: IconBuildingCommunity }],
  },
  {
    title: "Live",
    audience: "tenant",
    places: [
      { to: "/", label: "Overview", icon: IconLayoutDashboard },
      { to: "/rooms", label: "Rooms", icon: IconMessages },
      { to: "/debug", label: "Debug", icon: IconActivity },
      { to: "/moderation", label: "Moderation", icon: IconShieldHalf },
    ],
  },
  {
    title: "Build",
    audience: "tenant",
    places: [
      { to: "/keys", label: "API keys", icon: IconKey },
      { to: "/tokens", label: "Token maker", icon: IconTicket },
      { to: "/webhooks", label: "Webhooks", icon: IconWebhook },
      { to: "/assistants", label: "Assistants", icon: IconRobot },
    ],
  },
  {
    title: "Tenant",
    audience: "tenant",
    places: [
      { to: "/usage", label: "Usage", icon: IconChartBar },
      { to: "/limits", label: "Limits", icon: IconGauge },
      { to: "/audit", label: "Audit log", icon: IconClipboardList },
      { to: "/settings", label: "Settings", icon: IconSettings },
    ],
  },
];
