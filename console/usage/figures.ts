/** What is shown of usage: which figures stand in a chart together, and how they are written. */
import { bytes, count, minutes } from "../parts/amount.ts";
import type { UsageItem } from "./usageQuery.ts";

export interface Figure {
  readonly label: string;
  readonly of: (span: UsageItem) => number;
}

export interface ChartOf {
  readonly title: string;
  readonly description: string;
  readonly figures: readonly Figure[];
  readonly text: (value: number) => string;
  /** What there is at a time is a line; what happened within it is a bar. */
  readonly shape: "bars" | "line";
}

export const charts: readonly ChartOf[] = [
  {
    title: "Messages",
    description: "Those that were stored, and changes of every kind.",
    figures: [
      { label: "Messages", of: ({ messages }) => messages },
      { label: "Changes", of: ({ changes }) => changes },
    ],
    text: count,
    shape: "line",
  },
  {
    title: "Connections",
    description: "The most at once, in all rooms together.",
    figures: [{ label: "Connections", of: ({ connectionsPeak }) => connectionsPeak }],
    text: count,
    shape: "bars",
  },
  {
    title: "Bytes said",
    description: "Of messages, and of files that were uploaded.",
    figures: [
      { label: "Messages", of: (span) => span.bytes },
      { label: "Files", of: ({ uploadedBytes }) => uploadedBytes },
    ],
    text: bytes,
    shape: "line",
  },
  {
    title: "Storage",
    description: "Of databases and files, at the end of each span.",
    figures: [
      { label: "Databases", of: ({ storageBytes }) => storageBytes },
      { label: "Files", of: ({ fileBytes }) => fileBytes },
    ],
    text: bytes,
    shape: "line",
  },
  {
    title: "Awake",
    description: "Of all rooms together. One that sleeps takes no time.",
    figures: [{ label: "Awake", of: ({ awakeMs }) => awakeMs / 60_000 }],
    text: minutes,
    shape: "bars",
  },
  {
    title: "Refused",
    description: "Changes over the tenant’s rate, or its daily quota.",
    figures: [{ label: "Refused", of: ({ creditsRefused }) => creditsRefused }],
    text: count,
    shape: "bars",
  },
];
