/** The console: one page for tenants and operators, over the HTTP API and the SDK. */
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./style.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Gate } from "./gate.tsx";
import { closeClients } from "./live/clients.ts";
import { forgetDrafts } from "./live/draft.ts";
import { queries } from "./queries.ts";
import { router } from "./router.tsx";
import { begin } from "./session.ts";
import { cssVariables, styleNonce, theme } from "./theme.ts";

// What one key has asked is not for the eyes of the next, and what it has said is not to be sent by the next.
begin(() => {
  queries.clear();
  closeClients();
  forgetDrafts();
  // Nobody followed the address while nobody was signed in.
  void router.load();
});
// A dialog keeps the page behind it from scrolling by a `<style>` of a library's, which looks for the nonce here.
Reflect.set(globalThis, "__webpack_nonce__", styleNonce());
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={styleNonce}
    >
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-right" />
        <Gate />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
