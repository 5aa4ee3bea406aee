/** Next.js shows `app/page.tsx` by itself. */
import { createRoot } from "react-dom/client";
import { element } from "../element.ts";
import Page from "./app/page.tsx";

createRoot(element("root")).render(<Page />);
