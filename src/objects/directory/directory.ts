/** The list of tenants, for the operator. */
import { DurableObject } from "cloudflare:workers";
import { Store } from "./store.ts";

export class Directory extends DurableObject {
  readonly #store: Store;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#store = new Store(ctx.storage);
  }

  /** Takes the id for a new tenant; false when it is taken. An id is never given again. */
  reserve(id: string): boolean {
    return this.#store.reserve(id, Date.now());
  }

  /** To be called when the tenant has been created. */
  confirm(id: string): void {
    this.#store.confirm(id);
  }

  has(id: string): boolean {
    return this.#store.has(id);
  }

  /** To be called when nothing of the tenant is left. */
  bury(id: string): void {
    this.#store.bury(id, Date.now());
  }

  tenants(page: { prefix: string; after: string; limit: number }): string[] {
    return this.#store.tenants(page);
  }
}
