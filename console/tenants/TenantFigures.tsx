/** What a tenant has used today and in the last days. */
import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Card } from "../parts/Card.tsx";
import { ErrorState } from "../parts/ErrorState.tsx";
import { Facts } from "../parts/Facts.tsx";
import { Time } from "../parts/Time.tsx";
import { bytes, count } from "../parts/amount.ts";
import { type TenantProfile, tenantUsageQuery } from "./tenantQueries.ts";

export interface TenantFiguresProps {
  readonly tenant: TenantProfile;
  readonly state: ReactNode;
}

export function TenantFigures({ tenant, state }: TenantFiguresProps) {
  const usage = useQuery({ ...tenantUsageQuery(tenant.id), enabled: !tenant.deleting });
  const days = usage.data?.items ?? [];
  const today = days.at(-1);
  const figure = (value: string): ReactNode =>
    tenant.deleting ? "–" : usage.isPending ? <Skeleton height={24} maw={80} /> : value;
  const sum = days.reduce((messages, day) => messages + day.messages, 0);
  return (
    <Card title="Overview">
      {usage.error !== null && !tenant.deleting && <ErrorState error={usage.error} />}
      <Facts
        facts={[
          { name: "State", value: state },
          { name: "Made", value: <Time at={tenant.createdAt} /> },
          { name: "Messages today (UTC)", value: figure(count(today?.messages ?? 0)) },
          { name: "Messages in 30 days", value: figure(count(sum)) },
          { name: "Most connections today", value: figure(count(today?.connectionsPeak ?? 0)) },
          { name: "Databases", value: figure(bytes(today?.storageBytes ?? 0)) },
          { name: "Files", value: figure(bytes(today?.fileBytes ?? 0)) },
          { name: "Refused today, over a limit", value: figure(count(today?.creditsRefused ?? 0)) },
        ]}
      />
    </Card>
  );
}
