import { expect, test } from "vitest";
import { call, newTenant, newToken } from "../support/api.ts";
import { connect } from "../support/socket.ts";
import { roomy } from "../support/roomy.ts";

test("[P1] two sockets and HTTP publishers interleave 1,000 publishes and all see one order", async () => {
  const tenant = await newTenant(roomy);
  const [ada, bo] = await Promise.all(
    ["ada", "bo"].map(async (user) => connect("general", { token: await newToken(tenant, user) })),
  );
  if (ada === undefined || bo === undefined) throw new Error("unreachable");
  for (let count = 0; count < 400; count++) {
    ada.send({ type: "publish", ref: `a${count}`, nonce: `ada-nonce-${count}`, text: `a${count}` });
    bo.send({ type: "publish", ref: `b${count}`, nonce: `bo-nonce-${count}`, text: `b${count}` });
  }
  const posted = await Promise.all(
    Array.from({ length: 200 }, async (_, count) => {
      const response = await call("/v1/rooms/general/messages", {
        method: "POST",
        credential: tenant.key,
        user: "cy",
        body: { text: `c${count}` },
      });
      return response.json<{ message: { id: number } }>();
    }),
  );
  for (const socket of [ada, bo]) await socket.until(() => socket.of("changes").at(-1)?.to === 1_000);
  const seen = [ada, bo].map((socket) =>
    socket
      .of("changes")
      .flatMap(({ changes }) =>
        changes.map((change) => (change.type === "message" ? [change.message.seq, change.message.text] : [])),
      ),
  );
  expect(seen[0]).toEqual(seen[1]);
  expect(seen[0]?.map(([seq]) => seq)).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1));
  const textAt = new Map(seen[0]?.map(([seq, text]) => [text, seq]));
  for (const [socket, name] of [
    [ada, "a"],
    [bo, "b"],
  ] as const) {
    await socket.until(() => socket.of("ack").length === 400);
    for (const ack of socket.of("ack")) expect(textAt.get(`${name}${ack.ref?.slice(1)}`)).toBe(ack.seq);
  }
  posted.forEach(({ message }, count) => expect(textAt.get(`c${count}`)).toBe(message.id));
});
