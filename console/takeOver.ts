/** A form over something that others change, too. */
import type { UseFormReturnType } from "@mantine/form";
import { useEffect } from "react";

/** What somebody else has saved meanwhile is shown, and stays as it is saved; but for the fields in which one is writing here. */
export function useTakeOver<Values extends Record<string, unknown>>(
  form: UseFormReturnType<Values>,
  stored: Values,
): void {
  const known = JSON.stringify(stored);
  useEffect(() => {
    const written = Object.entries(form.getValues()).filter(([name]) => form.isDirty(name));
    form.setValues({ ...stored, ...Object.fromEntries(written) });
    form.resetDirty(stored);
  }, [known]);
}

/** What differs: what nobody touched here is not sent, and stays as somebody else has saved it meanwhile. */
export function changedOf<Values extends object>(before: Values, after: Values): Partial<Values> {
  const was = new Map<string, unknown>(Object.entries(before));
  const changed = Object.entries(after).filter(
    ([name, value]) => JSON.stringify(was.get(name)) !== JSON.stringify(value),
  );
  return Object.fromEntries(changed) as Partial<Values>;
}
