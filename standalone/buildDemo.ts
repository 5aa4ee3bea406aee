/** The chat demo: `examples/chat`, as it is. */
import { buildPage } from "./pages.ts";

const page = {
  name: "demo",
  sources: ["examples/chat", "src/client", "src/protocol", "standalone/buildDemo.ts", "standalone/viteConfig.ts"],
  config: async () => (await import("./viteConfig.ts")).demoConfig,
};

export function buildDemo(folder: string): Promise<void> {
  return buildPage(page, folder);
}
