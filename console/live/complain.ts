/** Says why a small deed, one without a dialog, was refused. */
import { notifications } from "@mantine/notifications";
import { textOf } from "../parts/ErrorState.tsx";
import { shownError } from "./refused.ts";

/** Awaits the deed, and never rejects. */
export async function orComplain(deed: Promise<unknown>): Promise<void> {
  try {
    await deed;
  } catch (error) {
    notifications.show({ color: "red", title: "It was not done", message: textOf(shownError(error)) });
  }
}
