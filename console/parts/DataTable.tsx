/** A list as a table. Each row's first cell may be a link, which is how the keyboard reaches it; a click anywhere in the row follows it. */
import { Table } from "@mantine/core";
import type { MouseEvent, ReactNode } from "react";

export interface Column<T> {
  /** The heading, also of a column of buttons: then it is for those who hear it, and `isHeadingHidden`. */
  readonly heading: string;
  readonly isHeadingHidden?: boolean;
  readonly cell: (item: T) => ReactNode;
  /** Numbers stand at the right. */
  readonly align?: "right";
  /** What a narrow screen does without. */
  readonly wideOnly?: boolean;
}

export interface DataTableProps<T> {
  /** What it is a list of, for those who hear it: "Rooms". */
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly items: readonly T[];
  readonly keyOf: (item: T) => string | number;
}

export function DataTable<T>({ label, columns, items, keyOf }: DataTableProps<T>) {
  return (
    <>
      <Table.ScrollContainer minWidth={0} type="native" tabIndex={0} role="region" aria-label={label}>
        <Table highlightOnHover verticalSpacing="xs" aria-label={label}>
          <Table.Thead>
            <Table.Tr>
              {columns.map(({ heading, isHeadingHidden, align, wideOnly }) => (
                <Table.Th
                  key={heading}
                  ta={align}
                  {...seen(wideOnly)}
                  aria-label={isHeadingHidden ? heading : undefined}
                >
                  {isHeadingHidden ? null : heading}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {items.map((item) => (
              <Table.Tr key={keyOf(item)} onClick={follow}>
                {columns.map(({ heading, cell, align, wideOnly }) => (
                  <Table.Td key={heading} ta={align} {...seen(wideOnly)} className="anywhere">
                    {cell(item)}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </>
  );
}

function seen(wideOnly = false): { visibleFrom?: "sm" } {
  return wideOnly ? { visibleFrom: "sm" } : {};
}

/** The row's first link, unless something of its own was clicked, or text is being selected. */
function follow(event: MouseEvent<HTMLTableRowElement>): void {
  const isOwn = event.target instanceof Element && event.target.closest("a, button, input, label") !== null;
  if (isOwn || getSelection()?.isCollapsed === false) return;
  event.currentTarget.querySelector<HTMLElement>("td:first-child a")?.click();
}
