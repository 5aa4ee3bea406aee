/** A form of settings: what it holds, whether it is saved, and that it was. */
import { Paper, Stack, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { UseFormReturnType } from "@mantine/form";
import type { ReactNode } from "react";
import { TenantPatch } from "../../src/protocol/http.ts";
import { SaveActions } from "../parts/SaveActions.tsx";
import { useSending } from "../sending.ts";
import { changedOf } from "../takeOver.ts";
import { type ProfilePatch, useChange } from "./tenantQuery.ts";

export interface SettingsFormProps<Values extends Record<string, unknown>> {
  readonly title: string;
  readonly description: ReactNode;
  readonly initial: Values;
  readonly patchOf: (values: Values) => ProfilePatch;
  readonly children: (form: UseFormReturnType<Values>) => ReactNode;
}

/** Each is saved for itself, and of each only what was changed here. */
export function SettingsForm<Values extends Record<string, unknown>>({
  title,
  description,
  initial,
  patchOf,
  children,
}: SettingsFormProps<Values>) {
  const change = useChange();
  const sending = useSending({
    initial,
    schema: TenantPatch,
    bodyOf: (values) => patchBetween(patchOf(initial), patchOf(values)),
    send: change,
    onSent: () => notifications.show({ message: "Saved. It is in force in every open room." }),
  });
  const { form, submit } = sending;
  return (
    <Paper withBorder p="md">
      <form onSubmit={submit} noValidate>
        <Stack>
          <div>
            <Title order={2} size="h4">
              {title}
            </Title>
            <Text size="sm" c="dimmed" mt={2} maw="44rem" component="div">
              {description}
            </Text>
          </div>
          <Stack maw={560}>{children(form)}</Stack>
          <SaveActions sending={sending} />
        </Stack>
      </form>
    </Paper>
  );
}

function patchBetween({ settings: was = {}, ...before }: ProfilePatch, { settings = {}, ...after }: ProfilePatch) {
  return { ...changedOf(before, after), settings: changedOf(was, settings) };
}
