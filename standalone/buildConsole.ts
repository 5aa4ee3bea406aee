/** The console's page and its assets. */
import { buildPage } from "./pages.ts";

const page = {
  name: "console",
  sources: ["console", "src/client", "src/protocol", "standalone/buildConsole.ts", "standalone/viteConfig.ts"],
  config: async () => (await import("./viteConfig.ts")).consoleConfig,
};

export function buildConsole(folder: string): Promise<void> {
  return buildPage(page, folder);
}
