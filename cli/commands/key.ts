/** API keys of a tenant. */
import * as z from "zod";
import { capabilities } from "../../src/protocol/capabilities.ts";
import { CreatedKey, Key } from "../../src/protocol/http.ts";
import { DisplayName, KeyId, TenantId } from "../../src/protocol/names.ts";
import { command } from "../command.ts";
import { table } from "../table.ts";
import { localTime } from "../time.ts";

const Can = z
  .string()
  .transform((text) => text.split(","))
  .pipe(z.array(z.enum(capabilities, `some of ${capabilities.join(", ")}`)));

export const keyCreate = command({
  name: "key create",
  summary: "Make an API key, with no more than this one may do",
  more: "The key alone goes to stdout. It is shown this once.",
  example: "npx parley key create --name website --can read,publish > website.key",
  words: {},
  options: {
    name: { text: "what it is for", value: "name", schema: DisplayName.optional() },
    can: {
      text: "what it may do, as a list; all that this one may, unless said",
      value: "rights",
      schema: Can.optional(),
    },
    tenant: { text: "of which tenant, with the operator's key", value: "id", schema: TenantId.optional() },
  },
  async run({ name, can, tenant }, { api, terminal, json }) {
    const body = { name, capabilities: can };
    const path = tenant === undefined ? "/v1/keys" : `/v1/tenants/${tenant}/keys`;
    const as = tenant === undefined ? "tenant" : "operator";
    const { key } = await api.ask(path, z.object({ key: CreatedKey }), { method: "POST", body, as });
    if (json) return terminal.json(key);
    terminal.note(`Key ${key.id} is there. It is shown this once:`);
    terminal.line(key.secret);
  },
});

export const keyList = command({
  name: "key list",
  summary: "List API keys, without their secrets",
  example: "npx parley key list",
  words: {},
  options: {},
  async run(_, { api, terminal, json }) {
    const { items } = await api.ask("/v1/keys", z.object({ items: z.array(Key) }));
    if (json) return items.forEach((key) => terminal.json(key));
    const rows = items.map(({ id, name, capabilities: can, createdAt, lastUsedAt }) => [
      id,
      name ?? "-",
      localTime(createdAt),
      localTime(lastUsedAt),
      can.length === capabilities.length ? "everything" : can.join(","),
    ]);
    table(terminal, ["key", "name", "made", "last used", "may"], rows);
  },
});

export const keyRevoke = command({
  name: "key revoke",
  summary: "Remove an API key, and all tokens that it has signed, within 5 seconds",
  example: "npx parley key revoke 1kabcdefghijkl",
  words: { key: { text: "the key's id, as `key list` shows it", schema: KeyId } },
  options: {},
  async run({ key }, { api, terminal, json }) {
    await api.tell(`/v1/keys/${key}`, { method: "DELETE" });
    if (json) terminal.json({ removed: key });
    else terminal.line(`Key ${key} is removed. Whatever it has opened is closed.`);
  },
});
