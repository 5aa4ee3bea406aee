import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/order.ts";

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              // Nobody outside is called by a test: whoever is, says that it is well, unless its name says otherwise.
              outboundService: ({ url }) => new Response(null, { status: url.startsWith("https://down.") ? 503 : 204 }),
              bindings: {
                MASTER_KEY: `1:${"test-master-key-".repeat(3)}`,
                OPERATOR_KEY: "test-operator-key-0123456789",
                CLIENT_ADDRESS_HEADER: "Test-Client-Address",
                LOG: "off",
              },
            },
          }),
        ],
        test: {
          name: "workerd",
          include: ["test/{protocol,core,auth,objects,routes,fuzz}/**/*.test.ts"],
          setupFiles: ["test/support/pool.ts", "test/support/chance.ts"],
          testTimeout: 60_000,
          // The whole Worker is imported once in each process, not once for each file (4 s).
          isolate: false,
        },
      },
      {
        test: {
          name: "node",
          include: ["test/{standalone,chaos,project,client}/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // A busy machine is not a broken one.
          expect: { poll: { timeout: 45_000 } },
        },
      },
    ],
  },
});
