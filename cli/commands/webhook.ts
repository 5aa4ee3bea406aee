/** What a tenant's webhook endpoints were sent. */
import * as z from "zod";
import { ReplayAnswer } from "../../src/protocol/http.ts";
import { Seq } from "../../src/protocol/message.ts";
import { RoomName } from "../../src/protocol/names.ts";
import { Delivery, DeliveryState, WebhookEndpoint, WebhookId } from "../../src/protocol/webhook.ts";
import { command } from "../command.ts";
import { list } from "../listing.ts";
import { count, pageOptions } from "../options.ts";
import { counted } from "../progress.ts";
import { table } from "../table.ts";
import { localTime } from "../time.ts";

const webhookWord = { text: "the endpoint's id, as `webhook list` shows it", schema: WebhookId };
const seqMax = 999_999_999;

export const webhookList = command({
  name: "webhook list",
  summary: "List webhook endpoints, and what they want to hear of",
  example: "npx parley webhook list",
  words: {},
  options: {},
  async run(_, { api, terminal, json }) {
    const { items } = await api.ask("/v1/webhooks", z.object({ items: z.array(WebhookEndpoint) }));
    if (json) return items.forEach((endpoint) => terminal.json(endpoint));
    if (items.length === 0) return terminal.note("There are no webhook endpoints.");
    const rows = items.map(({ id, url, events, rooms, isEnabled, disabledReason }) => [
      id,
      isEnabled ? "on" : (disabledReason ?? "off"),
      events.join(","),
      rooms?.join(",") ?? "all",
      url,
    ]);
    table(terminal, ["webhook", "state", "events", "rooms", "url"], rows);
  },
});

export const webhookDeliveries = command({
  name: "webhook deliveries",
  summary: "List what was sent to an endpoint, waits, or has failed, the newest first",
  example: "npx parley webhook deliveries wabcdefghijkl --state failed",
  words: { webhook: webhookWord },
  options: {
    ...pageOptions,
    state: {
      text: `only those: ${DeliveryState.options.join(", ")}`,
      value: "state",
      schema: DeliveryState.optional(),
    },
  },
  run: ({ webhook, state, ...given }, context) =>
    list(
      {
        ...given,
        path: `/v1/webhooks/${webhook}/deliveries`,
        query: { state },
        item: Delivery,
        columns: {
          delivery: ({ delivery }) => String(delivery),
          state: ({ state: is }) => is,
          attempts: ({ attempts }) => String(attempts),
          answer: ({ status, error }) => error ?? String(status ?? "-"),
          next: ({ nextAttemptAt }) => localTime(nextAttemptAt),
          events: ({ events }) => [...new Set(events.map(({ type }) => type))].join(","),
        },
        none: "There are no deliveries.",
      },
      context,
    ),
});

export const webhookReplay = command({
  name: "webhook replay",
  summary: "Send events of a room's history to an endpoint once more, with the ids that they had",
  example: "npx parley webhook replay wabcdefghijkl --room general --from 1 --to 500",
  words: { webhook: webhookWord },
  options: {
    room: { text: "of which room", value: "room", schema: RoomName },
    from: { text: "the first change, by its seq; 1 unless said", value: "seq", schema: count(1, seqMax).default(1) },
    to: { text: "the last one", value: "seq", schema: count(1, seqMax).pipe(Seq) },
  },
  async run({ webhook, room, from, to }, { api, terminal, json }) {
    let events = 0;
    for (let next: number | null = from; next !== null;) {
      const body: object = { room, from: next, to };
      const answer: z.infer<typeof ReplayAnswer> = await api.ask(`/v1/webhooks/${webhook}/replay`, ReplayAnswer, {
        method: "POST",
        body,
      });
      events += answer.events;
      next = answer.next;
      if (next !== null) terminal.progress(`${counted(events, "event")}, up to ${next}`);
    }
    terminal.progress("");
    if (json) terminal.json({ events });
    else terminal.line(`${counted(events, "event")} of ${room} ${events === 1 ? "waits" : "wait"} to be sent.`);
  },
});
