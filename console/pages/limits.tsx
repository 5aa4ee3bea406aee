/** What this tenant may use at most, and what is left of it now. */
import { useQuery } from "@tanstack/react-query";
import { answered, api } from "../api.ts";
import { leftOf } from "../limits/levels.ts";
import { LimitTable } from "../limits/LimitTable.tsx";
import { Loaded } from "../parts/Loaded.tsx";
import { TableSkeleton } from "../parts/Loading.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";

/** What is left changes with every message: as often as somebody looks at a gauge. */
const againMs = 5_000;

export function LimitsPage() {
  const limits = useQuery({
    queryKey: ["limits"],
    queryFn: () => answered(api.v1.limits.$get({ query: {} })),
    refetchInterval: againMs,
  });
  return (
    <>
      <PageHeader
        title="Limits"
        description="What this tenant may use at most, why, and what is left of it. Whoever runs this deployment sets them, up to what each may be at most."
      />
      <Loaded query={limits} skeleton={<TableSkeleton rows={10} />}>
        {({ limits: values, levels }) => <LimitTable limits={values} left={leftOf(levels)} />}
      </Loaded>
    </>
  );
}
