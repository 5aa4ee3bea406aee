/** A form whose content is sent to the API. It is checked by the schema that the API goes by, and what is refused stands at its field. */
import type { UseFormReturnType } from "@mantine/form";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { ProblemError } from "./problem.ts";
import { useTakeOver } from "./takeOver.ts";

/** As much of a schema as is needed here. */
interface Schema {
  safeParse(body: unknown): {
    readonly success: boolean;
    readonly error?: {
      readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
    };
  };
}

export interface SendingOptions<Values, Body, Answer> {
  /** What is stored. Where that changes, it is shown in every field that nobody has touched. */
  readonly initial: Values;
  readonly schema: Schema;
  /** Where a part of the body has another name than its field. */
  readonly fieldOf?: Readonly<Record<string, string>>;
  /** Fields that stand in the address and not in the body, with what they have to be. */
  readonly inAddress?: Readonly<Partial<Record<keyof Values & string, Schema>>>;
  /** What is sent. A part of it that is refused is shown at the field whose name is in its path. */
  readonly bodyOf: (values: Values) => Body;
  readonly send: (body: Body, values: Values) => Promise<Answer>;
  readonly onSent?: (answer: Answer, values: Values) => void;
}

export interface Sending<Values extends Fields> {
  readonly form: UseFormReturnType<Values>;
  readonly submit: (event?: FormEvent<HTMLFormElement>) => void;
  readonly isSending: boolean;
  /** What was refused, where it is about no field of the form. */
  readonly problem: Error | null;
}

type Fields = Record<string, unknown>;

export function useSending<Values extends Fields, Body, Answer>({
  initial,
  schema,
  fieldOf = {},
  inAddress,
  bodyOf,
  send,
  onSent,
}: SendingOptions<Values, Body, Answer>): Sending<Values> {
  const names = namesOf(Object.keys(initial), fieldOf);
  const form = useForm<Values>({
    initialValues: initial,
    validate: (values) => ({ ...complaintsOf(schema, bodyOf(values), names), ...unfit(inAddress ?? {}, values) }),
  });
  useTakeOver(form, initial);
  const sending = useMutation({
    mutationFn: (values: Values) => send(bodyOf(values), values),
    // What is typed or answered may be a secret: it would stay in memory for minutes.
    gcTime: 0,
    onSuccess: (answer, values) => {
      form.setInitialValues(values);
      form.resetDirty(values);
      onSent?.(answer, values);
    },
    onError: (error) => {
      const refused = refusedField(error, names);
      if (refused === null) return;
      form.setFieldError(refused.field, refused.message);
      form.getInputNode(refused.field)?.focus();
    },
  });
  const submit = form.onSubmit(
    (values) => sending.mutate(values),
    (errors) => {
      const [first] = Object.keys(errors);
      if (first !== undefined) form.getInputNode(first)?.focus();
    },
  );
  const isAtField = sending.error !== null && refusedField(sending.error, names) !== null;
  return { form, submit, isSending: sending.isPending, problem: isAtField ? null : sending.error };
}

/** Parts of a body, and the field that each is. */
type Names = ReadonlyMap<string, string>;

function namesOf(fields: readonly string[], others: Readonly<Record<string, string>>): Names {
  return new Map([...fields.map((field) => [field, field] as const), ...Object.entries(others)]);
}

/** By field. What concerns none of them stands at the first. */
function complaintsOf(schema: Schema, body: unknown, names: Names): Record<string, string> {
  const issues = schema.safeParse(body).error?.issues ?? [];
  const complaints: Record<string, string> = {};
  const [first] = names.values();
  for (const { path, message } of issues) {
    const field = fieldIn(path.map(String), names) ?? first;
    if (field !== undefined) complaints[field] ??= sentence(message);
  }
  return complaints;
}

/** By field. Where nothing is filled in, an address would lead to something else. */
function unfit(schemas: Readonly<Partial<Record<string, Schema>>>, values: Fields): Record<string, string> {
  const complaints: Record<string, string> = {};
  for (const [field, schema] of Object.entries(schemas)) {
    const value = String(values[field]).trim();
    const [issue] = schema?.safeParse(value).error?.issues ?? [];
    if (issue !== undefined) complaints[field] = value === "" ? "This has to be filled in." : sentence(issue.message);
  }
  return complaints;
}

/** The API begins with the field that it means: "`settings.hook.url`: must lead to a public host." */
function refusedField(error: Error, names: Names): { field: string; message: string } | null {
  if (!(error instanceof ProblemError)) return null;
  const [, path, message] = /^`([^`]+)`: (.+)$/su.exec(error.detail) ?? [];
  const field = path === undefined ? undefined : fieldIn(path.split("."), names);
  return field === undefined || message === undefined ? null : { field, message: sentence(message) };
}

/** The last part of the path that is a field: of `origins.2` the whole list. */
function fieldIn(path: readonly string[], names: Names): string | undefined {
  const part = path.findLast((one) => names.has(one));
  return part === undefined ? undefined : names.get(part);
}

function sentence(message: string): string {
  const text = message.replace(/^Invalid input: /, "");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
