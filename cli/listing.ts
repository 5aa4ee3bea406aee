/** A list of the server's, page by page: as columns, or as lines of JSON. */
import * as z from "zod";
import type { Call } from "./api.ts";
import type { Context } from "./command.ts";
import { table } from "./table.ts";

export interface Listing<Item> {
  readonly path: string;
  readonly item: z.ZodType<Item>;
  readonly limit: number;
  readonly after: string;
  readonly query?: Call["query"];
  readonly as?: "tenant" | "operator";
  readonly columns: Readonly<Record<string, (item: Item) => string>>;
  /** For whom there is nothing. */
  readonly none: string;
}

const pageMax = 200;

export async function list<Item>(listing: Listing<Item>, { api, terminal, json }: Context): Promise<void> {
  const { path, item, limit, query, as, columns, none } = listing;
  const Page = z.object({ items: z.array(item), next: z.string().optional() });
  const found: Item[] = [];
  let { after } = listing;
  for (;;) {
    const asked = { ...query, limit: Math.min(pageMax, limit - found.length), after: after === "" ? undefined : after };
    const page = await api.ask(path, Page, { query: asked, ...(as && { as }) });
    found.push(...page.items);
    after = page.next ?? "";
    if (after === "" || found.length >= limit) break;
  }
  if (json) for (const each of found) terminal.json(each);
  else if (found.length === 0) terminal.note(none);
  else {
    const rows = found.map((each) => Object.values(columns).map((cell) => cell(each)));
    table(terminal, Object.keys(columns), rows);
  }
  if (after !== "") terminal.note(`There are more: --after ${after}`);
}
