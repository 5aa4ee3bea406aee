/** The tenant's assistants. */
import { queryOptions } from "@tanstack/react-query";
import { answered, api } from "../api.ts";

export type Assistant = Awaited<ReturnType<typeof read>>["items"][number];

function read() {
  return answered(api.v1.assistants.$get());
}

export const assistantsQuery = queryOptions({ queryKey: ["assistants"], queryFn: read });
