import type { Endpoint } from "./webhookQueries.ts";

/** What each dialog about an endpoint is given. */
export interface EndpointDialog {
  readonly endpoint: Endpoint;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}
