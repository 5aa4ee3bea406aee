/** What `cloudflare:workers` and `cloudflare:test` give to the tests of this project. */
declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: typeof import("../../src/index.ts");
  }
}
