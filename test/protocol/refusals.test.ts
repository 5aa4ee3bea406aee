import { describe, expect, test } from "vitest";
import { Problem } from "../../src/protocol/http.ts";
import { closingFrame, errorFrame } from "../../src/protocol/farewell.ts";
import { type RefusalCode, refusals, refuse } from "../../src/protocol/refusals.ts";
import { ClosingFrame, ErrorFrame } from "../../src/protocol/serverFrames.ts";
import { call } from "../routes/edge.ts";

const rows = Object.entries(refusals).map(([code, row]) => ({ code: code as RefusalCode, ...row }));

describe("the table", () => {
  test.each(rows)(
    "[W3] $code: what its close code says agrees with whether to try again",
    ({ status, close, retry, text }) => {
      expect(text).toMatch(/^[A-Z].*\.$/);
      expect([400, 401, 403, 404, 405, 409, 410, 413, 416, 422, 429, 500, 503, 507]).toContain(status);
      if (close === null) return;
      expect(close >= 4400 && close < 4600).toBe(true);
      // 44xx: come back. 45xx: do not.
      expect(close < 4500).toBe(retry !== "no");
    },
  );

  test.each(rows)(
    "[W3] $code: a refusal of the server's making can be tried again, one of the request's cannot",
    ({ status, retry }) => {
      if (status >= 500) expect(["backoff", "now"]).toContain(retry);
      if (status === 429) expect(["later", "backoff"]).toContain(retry);
      if ([400, 404, 405, 409, 410, 413, 416, 422].includes(status)) expect(retry).toBe("no");
    },
  );

  test("[W3] a close code says one thing: rows that share one agree on the rest", () => {
    for (const one of rows)
      for (const other of rows)
        if (one.close !== null && one.close === other.close)
          expect([one.code, other.code, one.retry]).toEqual([one.code, other.code, other.retry]);
  });

  test("[W3] every code is documented where its problem's `type` points to", async () => {
    const list = await (await call("/errors")).text();
    for (const { code } of rows) expect(list).toContain(`<a href="/errors/${code}">`);
    const { type } = Problem.parse(await (await call("/nowhere")).json());
    expect(type).toBe("/errors/not_found");
  });
});

describe("as frames", () => {
  test.each(rows)(
    "[W3] $code: its error says the row, its closing the same code and what to do next",
    ({ code, status, close, retry, text }) => {
      const error = errorFrame(refuse(code), undefined);
      expect(ErrorFrame.strict().parse(error)).toEqual(error);
      expect(error).toEqual({ type: "error", code, status, message: text, retryable: retry !== "no" });
      if (close === null) {
        // These refuse a frame and never close a socket.
        expect(() => closingFrame(code, text)).toThrow(/closes no socket/);
        return;
      }
      const closing = closingFrame(code, text);
      expect(ClosingFrame.strict().parse(closing)).toEqual(closing);
      expect(closing).toMatchObject({ code: close, reason: text });
      expect(closing.reconnect === "never").toBe(close >= 4500);
    },
  );

  test("[W3] an error carries the ref, the detail, the wait and the limit that it was given", () => {
    const limit = { scope: "room", limit: 1, windowMs: 2, remaining: 0 };
    const refusal = refuse("rate_limited", "Slow down.", { retryAfterMs: 5, limit });
    expect(errorFrame(refusal, "7")).toEqual({
      type: "error",
      ref: "7",
      code: "rate_limited",
      status: 429,
      message: "Slow down.",
      retryable: true,
      retryAfterMs: 5,
      limit,
    });
  });

  test("[W3] the name of a code fits the 123 bytes of a close frame's reason", () => {
    for (const { code } of rows) expect(code.length).toBeLessThanOrEqual(123);
  });
});
