/** How the console looks: Mantine's own, in Parley's colours, with contrasts that pass WCAG AA in both schemes. */
import { createTheme, type CSSVariablesResolver } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "parley",
  primaryShade: 7,
  colors: {
    parley: [
      "#f0fdfa",
      "#ccfbf1",
      "#99f6e4",
      "#5eead4",
      "#2dd4bf",
      "#14b8a6",
      "#0d9488",
      "#0f766e",
      "#115e59",
      "#134e4a",
    ],
  },
  autoContrast: true,
  defaultRadius: "sm",
  cursorType: "pointer",
  respectReducedMotion: true,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace',
  components: {
    // A link stands in a text, and is as large as that.
    Anchor: { defaultProps: { inherit: true, underline: "always" } },
    Badge: { defaultProps: { tt: "none" } },
    NavLink: { defaultProps: { py: 6 } },
  },
  headings: { fontWeight: "600", sizes: { h1: { fontSize: "1.5rem", lineHeight: "2rem" } } },
});

/** Colours in which small text is written. Mantine's own are too pale on white. */
const written = ["parley", "red", "orange", "yellow", "green", "blue", "gray", "grape"] as const;

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "var(--mantine-color-gray-7)",
    "--mantine-color-placeholder": "var(--mantine-color-gray-7)",
    "--mantine-color-error": "#b42318",
    ...Object.fromEntries(written.map((color) => [`--mantine-color-${color}-light-color`, darkOf(color)])),
  },
  dark: {
    "--mantine-color-dimmed": "var(--mantine-color-dark-1)",
    "--mantine-color-placeholder": "var(--mantine-color-dark-2)",
    "--mantine-color-error": "var(--mantine-color-red-4)",
  },
});

function darkOf(color: string): string {
  return color === "yellow" || color === "orange"
    ? "#8a4b00"
    : color === "red"
      ? "#b42318"
      : `var(--mantine-color-${color}-9)`;
}

/** Of this one answer: the Worker wrote it into the page and into its policy. Mantine marks its `<style>` elements with it. */
export function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
}
