/** The end of a form over what is stored: says what is not saved yet, and takes it back. */
import type { Sending } from "../sending.ts";
import { FormActions } from "./FormActions.tsx";

export function SaveActions<Values extends Record<string, unknown>>({
  sending,
}: {
  readonly sending: Sending<Values>;
}) {
  const { form, isSending, problem } = sending;
  return (
    <FormActions
      action="Save"
      isSending={isSending}
      problem={problem}
      isDirty={form.isDirty()}
      onLeave={form.reset}
      leaveLabel="Undo"
    />
  );
}
