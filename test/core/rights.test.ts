import { describe, expect, test } from "vitest";
import { may, rightsOf } from "../../src/core/rights.ts";
import { withoutReaction, withReaction } from "../../src/core/reactions.ts";
import { type Capability, capabilities, roleCapabilities, roles } from "../../src/protocol/capabilities.ts";
import type { Session } from "../../src/protocol/session.ts";

const session = {
  connection: "c",
  user: "ada",
  name: null,
  ceiling: [...capabilities],
  key: "k",
  token: null,
  issuedAt: 0,
  expiresAt: null,
};

function sessionWith(...held: Capability[]): Session {
  return { ...session, capabilities: held };
}

describe("rights", () => {
  test("[M2] a session may what its credential grants and nothing else", () => {
    for (const held of capabilities)
      for (const wanted of capabilities)
        expect([held, wanted, may(sessionWith(held), null, wanted)]).toEqual([held, wanted, held === wanted]);
  });

  test("[M2] a role adds its rights to a session that may read, and to no other", () => {
    for (const role of roles)
      for (const wanted of capabilities) {
        const added = roleCapabilities[role].some((one) => one === wanted);
        expect(may(sessionWith("read"), role, wanted)).toBe(added || wanted === "read");
        expect(may(sessionWith("publish"), role, wanted)).toBe(wanted === "publish");
        expect(may(sessionWith(), role, wanted)).toBe(false);
      }
  });

  test("[M2] no role gives `admin`, and a plain member gets nothing", () => {
    for (const role of roles) expect(roleCapabilities[role]).not.toContain("admin");
    expect(roleCapabilities.member).toEqual([]);
  });

  test("[A6] a role adds nothing that the API key behind the session does not have itself", () => {
    for (const role of roles)
      for (const ceiling of capabilities)
        for (const wanted of capabilities.filter((one) => one !== "read")) {
          const keyed: Session = { ...session, capabilities: ["read"], ceiling: ["read", ceiling] };
          const added = roleCapabilities[role].some((one) => one === wanted) && wanted === ceiling;
          expect(may(keyed, role, wanted)).toBe(added);
        }
  });

  test("[M2] the list of rights is what may() says, each once", () => {
    for (const role of [null, ...roles]) {
      const moderating = sessionWith("read", "moderate");
      const listed = rightsOf(moderating, role);
      expect(new Set(listed).size).toBe(listed.length);
      expect([...listed].sort()).toEqual(capabilities.filter((one) => may(moderating, role, one)).sort());
    }
  });
});

describe("reactions", () => {
  test("[M4] the summary counts, names the first ten, and knows a word that every object has", () => {
    for (const emoji of ["👍", "constructor", "toString", "hasOwnProperty"]) {
      expect(withoutReaction({}, emoji, [])).toEqual({});
      let reactions = {};
      for (let user = 0; user < 12; user++) reactions = withReaction(reactions, emoji, `u${user}`);
      expect(Object.entries(reactions)).toEqual([
        [emoji, { count: 12, users: Array.from({ length: 10 }, (_, user) => `u${user}`) }],
      ]);
      expect(Object.entries(withoutReaction(reactions, emoji, ["u1"]))).toEqual([
        [emoji, { count: 11, users: ["u1"] }],
      ]);
      expect(withoutReaction(withReaction({}, emoji, "u"), emoji, [])).toEqual({});
    }
  });
});
