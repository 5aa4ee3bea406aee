/** Tenants, for the operator. */
import * as z from "zod";
import { CreatedKey, TenantProfile } from "../../src/protocol/http.ts";
import { DisplayName, TenantId } from "../../src/protocol/names.ts";
import { command, type Context } from "../command.ts";
import { list } from "../listing.ts";
import { pageOptions, tenantWord } from "../options.ts";
import { card } from "../table.ts";
import { styled } from "../terminal.ts";
import { localTime } from "../time.ts";

const as = "operator";
const operators =
  "It takes the operator's key: in PARLEY_KEY, or as --key-file data/secrets.json of a server on this machine.";
const Profile = TenantProfile.pick({ id: true, name: true, suspended: true, deleting: true, createdAt: true }).loose();
const Created = z.object({ tenant: Profile, key: CreatedKey });

export const tenantCreate = command({
  name: "tenant create",
  summary: "Make a tenant, and its first API key",
  more: `${operators}\nThe key alone goes to stdout. It is shown this once.`,
  example: "npx parley tenant create acme --name Acme --key-file data/secrets.json > acme.key",
  words: { id: { ...tenantWord, schema: TenantId.optional() } },
  options: {
    name: { text: "what people call it; its id unless said", value: "name", schema: DisplayName.optional() },
  },
  async run({ id, name = id ?? "Unnamed" }, { api, terminal, json }) {
    const made = await api.ask("/v1/tenants", Created, { method: "POST", body: { id, name }, as });
    if (json) return terminal.json(made);
    terminal.note("Tenant ", styled("bold", made.tenant.id), " is there. Its API key, shown this once:");
    terminal.line(made.key.secret);
  },
});

export const tenantList = command({
  name: "tenant list",
  summary: "List tenants by id",
  more: operators,
  example: "npx parley tenant list --key-file data/secrets.json",
  words: {},
  options: pageOptions,
  run: (given, context) =>
    list(
      {
        ...given,
        path: "/v1/tenants",
        item: z.object({ id: z.string() }),
        as,
        columns: { tenant: ({ id }) => id },
        none: "There are no tenants.",
      },
      context,
    ),
});

export const tenantGet = command({
  name: "tenant get",
  summary: "Show a tenant",
  more: operators,
  example: "npx parley tenant get acme --key-file data/secrets.json --json",
  words: { id: tenantWord },
  options: {},
  async run({ id }, context) {
    show(await context.api.ask(`/v1/tenants/${id}`, Profile, { as }), context);
  },
});

export const tenantDelete = command({
  name: "tenant delete",
  summary: "Delete a tenant with its rooms, messages and files, for ever",
  more: `${operators}\nIts id is never given again.`,
  example: "npx parley tenant delete acme --yes --key-file data/secrets.json",
  words: { id: tenantWord },
  options: {
    yes: {
      text: "must be said: nothing of it can be brought back",
      schema: z.literal(true),
    },
  },
  async run({ id }, context) {
    const tenant = await context.api.ask(`/v1/tenants/${id}`, Profile, { method: "DELETE", as });
    if (context.json) return context.terminal.json(tenant);
    context.terminal.line(`Tenant ${id} is suspended, and is being erased.`);
  },
});

function show(tenant: z.infer<typeof Profile>, { terminal, json }: Context): void {
  if (json) return terminal.json(tenant);
  const state = tenant.deleting ? "being erased" : tenant.suspended ? "suspended" : "open";
  card(terminal, { tenant: tenant.id, name: tenant.name, state, created: localTime(tenant.createdAt) });
}
