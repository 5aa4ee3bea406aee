/** A page for each refusal, and one that lists all of them, made of the table and of what is said of each. */
import { explanations, type Explanation } from "../../src/protocol/explanations.ts";
import { closingFrame, errorFrame } from "../../src/protocol/farewell.ts";
import { Problem } from "../../src/protocol/http.ts";
import { refusals, refuse, type Refusal, type RefusalCode, type Retry } from "../../src/protocol/refusals.ts";
import type { Page, Shelf } from "./page.ts";

const codes = Object.keys(refusals) as RefusalCode[];

const again: Record<Retry, string> = {
  no: "No: not without a change of the request, or of what it is about.",
  token: "Yes, with a new token.",
  later: "Yes, after `retryAfterMs`; over HTTP `Retry-After` says the same in seconds.",
  backoff:
    "Yes, with pauses that grow and have chance in them: up to 1 s, then 2, 4 … 30 s; not before `retryAfterMs`, where it is said.",
  now: "Yes, at once, but for a pause by chance up to `reconnectJitterMs`. Come back with the cursor: nothing is missed.",
};

export const errorPages: Shelf = {
  title: "Errors",
  path: "/errors",
  groups: [
    [
      "The request",
      [
        "bad_frame",
        "bad_request",
        "invalid_field",
        "not_found",
        "method_not_allowed",
        "too_large",
        "range_not_satisfiable",
      ],
    ],
    [
      "Who is asking",
      [
        "token_missing",
        "token_invalid",
        "token_expired",
        "token_revoked",
        "forbidden",
        "banned",
        "origin_forbidden",
        "tenant_suspended",
      ],
    ],
    [
      "The room as it is",
      ["muted", "room_frozen", "slow_mode", "room_deleted", "conflict", "content_rejected", "nonce_reused"],
    ],
    ["Streams", ["stream_offset", "stream_closed", "stream_cancelled"]],
    ["Limits", ["rate_limited", "quota_exceeded", "connection_limit", "storage_full"]],
    ["The server", ["slow_consumer", "restarting", "resync", "overloaded", "internal"]],
  ].map(group),
};

function group([title, members]: (string | string[])[]): Shelf["groups"][number] {
  if (typeof title !== "string" || !Array.isArray(members)) throw new Error("a group has a title and codes");
  return { title, pages: codes.filter((code) => members.includes(code)).map(pageOf) };
}

function pageOf(code: RefusalCode): Page {
  const { status, close, retry, text } = refusals[code];
  const { means, why, todo }: Explanation = explanations[code];
  const markdown = `# ${code}

**${text}** ${means}

| status | close code | try again |
|---|---|---|
| HTTP ${status} | ${close === null ? "none: it never closes a socket" : `${close}, ${closeMeans(close)}`} | ${again[retry]} |

## Why it happens

${why.map((item) => `- ${item}`).join("\n")}

## What to do

${todo.map((item) => `- ${item}`).join("\n")}

## What it looks like

Over HTTP, as \`application/problem+json\` (RFC 9457):

${json(problemOf(code), 2)}

On a socket, with the \`ref\` of the frame that is refused${close === null ? "" : "; and before the socket is closed"}:

${json(errorFrame(exampleOf(code), "7"))}
${close === null ? "" : `${json(closingFrame(code, exampleOf(code).detail ?? text))}\n`}
[All errors](/errors)
`;
  return { path: `/errors/${code}`, title: code, description: `${text} ${means}`, markdown };
}

function closeMeans(close: number): string {
  return close < 4500 ? "come back" : "do not come back";
}

function exampleOf(code: RefusalCode): Refusal {
  const { example }: Explanation = explanations[code];
  return { ...refuse(code), ...example };
}

/** As routes/problem.ts answers; parsed, so that it stays what the API declares. */
function problemOf(code: RefusalCode): Problem {
  const { status, retry, text } = refusals[code];
  const { detail = text, retryAfterMs, limit, want } = exampleOf(code);
  return Problem.parse({
    type: `/errors/${code}`,
    title: text,
    status,
    detail,
    code,
    retryable: retry !== "no",
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(limit === undefined ? {} : { limit }),
    requestId: "V1StGXR8_Z5jdHi6B-myT",
    ...(want === undefined ? {} : { want }),
  });
}

function json(value: object, indent?: number): string {
  return `\`\`\`json\n${JSON.stringify(value, null, indent)}\n\`\`\``;
}

export const errorsPage: Page = {
  path: "/errors",
  title: "Errors",
  description: "Every error that Parley answers with: what it means, why it happens, what to do.",
  markdown: `# Errors

Every error over HTTP is a problem of RFC 9457, \`application/problem+json\`; its \`type\` is the address of one of these pages. On a socket it is an \`error\`
frame with the same \`code\`. \`retryable\` says whether the same request can succeed later, and \`retryAfterMs\` when.

**The range of a close code is the instruction**: on 4400 to 4499 reconnect, with a pause by chance; on 4500 to 4599 do not. A refused frame alone closes no
socket. 1000, 1001, 1005, 1006, 1011 and 1012, which others than Parley say, are treated as 4412.

${errorPages.groups.map(({ title, pages }) => `## ${title}\n\n${tableOf(pages)}`).join("\n\n")}
`,
};

function tableOf(pages: readonly Page[]): string {
  const rows = codes
    .filter((code) => pages.some(({ title }) => title === code))
    .map((code) => {
      const { status, close, retry, text } = refusals[code];
      return `| [\`${code}\`](/errors/${code}) | ${status} | ${close ?? "–"} | ${retry} | ${text} |`;
    });
  return ["| code | status | close | retry | meaning |", "|---|---|---|---|---|", ...rows].join("\n");
}
