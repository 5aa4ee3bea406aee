/** How Vite makes the pages, and serves the console while one works on it. */
import { join } from "node:path";
import react from "@vitejs/plugin-react";
import type { InlineConfig } from "vite";
import { projectFolder } from "./bundle.ts";

const shared = {
  configFile: false,
  envDir: false,
  logLevel: "warn",
  cacheDir: join(projectFolder, "node_modules", ".cache", "vite"),
  plugins: [react()],
} satisfies InlineConfig;

const output = {
  target: "es2023",
  emptyOutDir: true,
  // Inlined as data: they would need a policy of their own.
  assetsInlineLimit: 0,
  reportCompressedSize: false,
  chunkSizeWarningLimit: 1_000,
};

export const consoleConfig = {
  ...shared,
  root: join(projectFolder, "console"),
  base: "/console/",
  // The Worker puts another one into each answer, and into its policy: src/routes/console.ts.
  html: { cspNonce: "NONCE-OF-THE-ANSWER" },
  build: output,
} satisfies InlineConfig;

const client = join(projectFolder, "src", "client");

export const demoConfig = {
  ...shared,
  root: join(projectFolder, "examples", "chat"),
  base: "/demo/",
  // As the packages that they are published as.
  resolve: { alias: { "parley/client": join(client, "client.ts"), "parley/react": join(client, "react", "react.ts") } },
  build: { ...output, modulePreload: { polyfill: false } },
} satisfies InlineConfig;
