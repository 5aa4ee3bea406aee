/** What each capability is for, in a few words. */
import type { Capability } from "../src/protocol/capabilities.ts";

export const capabilityTexts: Readonly<Record<Capability, string>> = {
  read: "Read messages, live and past",
  publish: "Send messages",
  react: "React with emoji",
  "edit:own": "Edit one’s own messages",
  "edit:any": "Edit everybody’s messages",
  "delete:own": "Delete one’s own messages",
  "delete:any": "Delete everybody’s messages",
  presence: "See who is here, and be seen",
  stream: "Send messages that grow",
  upload: "Attach files",
  moderate: "Mute, ban, kick, pin, freeze",
  manage: "Change members and settings of rooms",
  admin: "Everything of the tenant: keys, settings, webhooks",
};

/** What people who chat need. */
export const chatting = ["read", "publish", "react", "edit:own", "delete:own", "presence", "upload"] as const;
