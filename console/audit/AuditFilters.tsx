/** Which entries of the audit log are shown. */
import { Button, Group, Select, TextInput } from "@mantine/core";
import { type AuditAction, auditActions } from "../../src/protocol/audit.ts";
import { type AuditFilter, noFilter } from "./auditQuery.ts";

export interface AuditFiltersProps {
  readonly filter: AuditFilter;
  readonly onChange: (filter: AuditFilter) => void;
}

export function AuditFilters({ filter, onChange }: AuditFiltersProps) {
  const set = (part: Partial<AuditFilter>): void => onChange({ ...filter, ...part });
  const isSet = JSON.stringify(filter) !== JSON.stringify(noFilter);
  return (
    <Group gap="sm" align="flex-end">
      <Select
        label="Action"
        placeholder="any"
        data={actions}
        value={filter.action}
        onChange={(action) => set({ action })}
        searchable
        clearable
        clearButtonProps={{ "aria-label": "Any action" }}
        w={{ base: "100%", xs: 210 }}
      />
      <TextInput
        label="Actor"
        placeholder="key or user"
        value={filter.actor}
        onChange={({ currentTarget }) => set({ actor: currentTarget.value.trim() })}
        maxLength={128}
        w={{ base: "100%", xs: 165 }}
      />
      <TextInput
        label="Target"
        placeholder="room, user, key …"
        value={filter.target}
        onChange={({ currentTarget }) => set({ target: currentTarget.value.trim() })}
        maxLength={128}
        w={{ base: "100%", xs: 165 }}
      />
      <TextInput
        type="date"
        label="From"
        value={filter.from}
        onChange={({ currentTarget }) => set({ from: currentTarget.value })}
      />
      <TextInput
        type="date"
        label="To"
        value={filter.to}
        onChange={({ currentTarget }) => set({ to: currentTarget.value })}
      />
      <Button variant="default" disabled={!isSet} onClick={() => onChange(noFilter)}>
        Clear
      </Button>
    </Group>
  );
}

const actions = Object.keys(auditActions) as AuditAction[];
