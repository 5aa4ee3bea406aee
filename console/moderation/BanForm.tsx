/** Bans a user from all rooms. */
import { Select, Stack, Switch, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { BanBody } from "../../src/protocol/http.ts";
import { UserId } from "../../src/protocol/names.ts";
import { answered, api } from "../api.ts";
import { FormActions } from "../parts/FormActions.tsx";
import { useSending } from "../sending.ts";
import { banOf } from "./moderationQueries.ts";

const hourMs = 3_600_000;
const ends = [
  { value: "", label: "until it is lifted" },
  { value: String(hourMs), label: "for an hour" },
  { value: String(24 * hourMs), label: "for a day" },
  { value: String(7 * 24 * hourMs), label: "for a week" },
  { value: String(30 * 24 * hourMs), label: "for 30 days" },
];

export interface BanFormProps {
  /** Empty where it is to be filled in. */
  readonly user: string;
  readonly onDone: () => void;
  readonly onLeave: () => void;
}

export function BanForm({ user: named, onDone, onLeave }: BanFormProps) {
  const queries = useQueryClient();
  const { form, submit, isSending, problem } = useSending({
    initial: { user: named, reason: "", until: "", shadow: false },
    schema: BanBody,
    inAddress: { user: UserId },
    bodyOf: ({ reason, until, shadow }) => ({
      shadow,
      ...(reason === "" ? {} : { reason }),
      ...(until === "" ? {} : { until: Date.now() + Number(until) }),
    }),
    send: (json, { user }) => answered(api.v1.bans[":user"].$put({ ...banOf(user.trim()), json })),
    onSent: () => {
      void queries.invalidateQueries({ queryKey: ["bans"] });
      onDone();
    },
  });
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <TextInput
          label="User"
          required
          withAsterisk={false}
          readOnly={named !== ""}
          spellCheck={false}
          data-autofocus={named === ""}
          {...form.getInputProps("user")}
        />
        <TextInput
          label="Reason"
          description="The user is told it, unless the ban goes unnoticed."
          data-autofocus={named !== ""}
          {...form.getInputProps("reason")}
        />
        <Select label="How long" data={ends} allowDeselect={false} {...form.getInputProps("until")} />
        <Switch
          label="Unnoticed"
          description="What the user says is shown to the user alone, who is not told."
          {...form.getInputProps("shadow", { type: "checkbox" })}
        />
        <FormActions action="Ban" isSending={isSending} problem={problem} onLeave={onLeave} />
      </Stack>
    </form>
  );
}
