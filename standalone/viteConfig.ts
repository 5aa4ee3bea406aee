/** How Vite makes the console, and serves it while one works on it. */
import { join } from "node:path";
import react from "@vitejs/plugin-react";
import type { InlineConfig } from "vite";
import { projectFolder } from "./bundle.ts";

export const consoleConfig = {
  root: join(projectFolder, "console"),
  base: "/console/",
  configFile: false,
  envDir: false,
  logLevel: "warn",
  cacheDir: join(projectFolder, "node_modules", ".cache", "vite"),
  plugins: [react()],
  // The Worker puts another one into each answer, and into its policy: src/routes/console.ts.
  html: { cspNonce: "NONCE-OF-THE-ANSWER" },
  build: {
    target: "es2023",
    emptyOutDir: true,
    // Inlined as data: they would need a policy of their own.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1_000,
  },
} satisfies InlineConfig;
