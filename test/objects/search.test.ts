/** Searching a room, under a clock that stands still. */
import { env } from "cloudflare:workers";
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { wordsIn } from "../../src/core/searchWords.ts";
import { SearchIndex } from "../../src/objects/room/store/searchIndex.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { SearchAnswer } from "../../src/protocol/search.ts";
import { everything, ordinary } from "../support/api.ts";
import { goTo, pass, startClock, stopClock } from "../support/clock.ts";
import { here, Place, place } from "../support/place.ts";
import { evict, query, roomObject, rowsOf } from "../support/room.ts";
import { call } from "../routes/edge.ts";
import { refused } from "../routes/answers.ts";
import { exported, imported } from "../routes/exported.ts";

beforeEach(() => stopClock());
afterEach(() => startClock());

const { searchBuildRows, searchBuildPauseMs, searchSegments, passRows, passPauseMs, searchedPassRows } = fixedLimits;

async function set(room: Place, settings: object): Promise<void> {
  const body = { settings };
  const answer = await call(`/v1/rooms/${room.room}`, { method: "PATCH", credential: room.tenant.key, body });
  expect(answer.status).toBe(200);
}

async function searched(search: boolean | null = true): Promise<Place> {
  const room = await place();
  await room.post("the first");
  await set(room, { search });
  await work(room);
  return room;
}

type Asked = Readonly<Record<string, string | number>>;

async function ask(room: Place, asked: Asked, credential = room.tenant.key): Promise<SearchAnswer> {
  const text = new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, String(value)])).toString();
  const answer = await call(`/v1/rooms/${room.room}/search?${text}`, { credential });
  expect([text, answer.status]).toEqual([text, 200]);
  return answer.json();
}

async function found(room: Place, q: string, more: Asked = {}, credential?: string): Promise<(string | null)[]> {
  const { items } = await ask(room, { q, order: "newest", ...more }, credential);
  return items.map(({ message }) => message.text);
}

async function say(room: Place, content: object, credential = room.tenant.key): Promise<number> {
  const posted = await call(`/v1/rooms/${room.room}/messages`, { method: "POST", credential, body: content });
  expect(posted.status).toBe(201);
  return (await posted.json<{ message: { id: number } }>()).message.id;
}

async function on(room: Place, path: string, method: string, body?: object): Promise<void> {
  const answer = await call(`/v1/rooms/${room.room}/${path}`, { method, credential: room.tenant.key, body });
  expect([path, answer.ok]).toEqual([path, true]);
}

/** Rings for the job until it is done; answers how often. */
async function work(room: Place, job = "search"): Promise<number> {
  for (let times = 0; ; times++) {
    const dueMs = await room.dueMs(job);
    if (dueMs === null || times === 500) return times;
    goTo(Math.max(Date.now(), dueMs));
    await room.ring();
  }
}

/** As if they had been published. The room forgets what it knew. */
async function fill(room: Place, count: number, text = "'said ' || id"): Promise<void> {
  const first = (await room.post("before")) + 1;
  await query(
    room.tenant,
    room.room,
    `WITH RECURSIVE n(id) AS (SELECT ${first} UNION ALL SELECT id + 1 FROM n WHERE id + 1 < ${first + count})
     INSERT INTO message (id, seq, version, sender, text, replies, status, created_at)
     SELECT id, id, 1, 'u_' || (id % 5), ${text}, 0, 'sent', ${Date.now()} - 1000 * (${first + count} - id) FROM n`,
  );
  await evict(room.tenant, room.room);
}

/** Everything that the index holds, as text: words, and what is left in its pages. */
async function remains(room: Place): Promise<string> {
  const { tenant } = room;
  const blocks = await query<{ block: ArrayBuffer }>(tenant, room.room, "SELECT block FROM search_data");
  const terms = await query<{ term: ArrayBuffer }>(tenant, room.room, "SELECT term FROM search_idx");
  return [...blocks.map(({ block }) => block), ...terms.map(({ term }) => term)]
    .map((bytes) => (typeof bytes === "string" ? bytes : String.fromCharCode(...new Uint8Array(bytes))))
    .join("\n");
}

const integrity = (room: Place): Promise<unknown> =>
  query(room.tenant, room.room, "INSERT INTO search (search, rank) VALUES ('integrity-check', 1)");

describe("what is found", () => {
  test("[Q1] messages with all words, phrases and beginnings, and none that is not to be there, in any case and accents", async () => {
    const room = await searched();
    for (const text of ["Deploy next week", "next deployment this week", "the Café is closed", "draft: deploy"])
      await room.post(text);
    expect(await found(room, "week")).toEqual(["next deployment this week", "Deploy next week"]);
    expect(await found(room, "DEPLOY week")).toEqual(["Deploy next week"]);
    expect(await found(room, '"next week"')).toEqual(["Deploy next week"]);
    expect(await found(room, "deploy*")).toEqual(["draft: deploy", "next deployment this week", "Deploy next week"]);
    expect(await found(room, "deploy* -draft")).toEqual(["next deployment this week", "Deploy next week"]);
    expect(await found(room, 'deploy* -"this week" -draft')).toEqual(["Deploy next week"]);
    expect(await found(room, "cafe")).toEqual(["the Café is closed"]);
    expect(await found(room, "CAFÉ")).toEqual(["the Café is closed"]);
    for (const none of ["wee", "text:week", "week OR café", "absent"]) expect(await found(room, none)).toEqual([]);
  });

  test("[Q1] only what a user has said, and only what was said in a time", async () => {
    const room = await searched();
    const [ada, bo] = [await room.token("ada"), await room.token("bo")];
    const beganMs = Date.now();
    await say(room, { text: "word one" }, ada);
    pass(1_000);
    await say(room, { text: "word two" }, bo);
    pass(1_000);
    await say(room, { text: "word three" }, ada);
    expect(await found(room, "word", { from: "ada" })).toEqual(["word three", "word one"]);
    expect(await found(room, "word", { from: "nobody" })).toEqual([]);
    expect(await found(room, "word", { after: beganMs + 1_000 })).toEqual(["word three", "word two"]);
    expect(await found(room, "word", { before: beganMs + 1_000 })).toEqual(["word one"]);
    expect(await found(room, "word", { after: beganMs + 1, before: beganMs + 2_000, from: "bo" })).toEqual([
      "word two",
    ]);
  });

  test("[Q6] each answer says what has matched, and where the text around it is", async () => {
    const room = await searched();
    await room.post(`${"lorem ipsum ".repeat(30)}👍 the Café`);
    const { items } = await ask(room, { q: "cafe -absent" });
    expect(items).toMatchObject([{ highlights: [[367, 4]], excerpt: [216, 155] }]);
  });

  test("[Q6] what is marked is what was found: letter by letter, words are split and folded as SQLite does it", async () => {
    const room = await searched();
    const differing = await runInDurableObject(roomObject(room.tenant, here), (_, { storage }) => {
      const { sql } = storage;
      sql.exec(`CREATE VIRTUAL TABLE letters USING fts5(text, tokenize = "unicode61 remove_diacritics 2")`);
      sql.exec("CREATE VIRTUAL TABLE terms USING fts5vocab('letters', 'instance')");
      const wrong: string[] = [];
      // Latin, Greek, Cyrillic, Hebrew, Arabic; then Greek with breathings, kana and Han, Hangul.
      for (const [from, to] of [
        [0x21, 0x700],
        [0x1e00, 0x2000],
        [0x3040, 0x3200],
        [0x4e00, 0x4f00],
        [0xac00, 0xad00],
      ] as const) {
        const letters = Array.from({ length: to - from }, (__, index) => String.fromCodePoint(from + index));
        const text = letters.map((letter) => `a ${letter}b`).join(" ");
        sql.exec("DELETE FROM letters");
        sql.exec("INSERT INTO letters (rowid, text) VALUES (1, ?)", text);
        const theirs = sql.exec<{ term: string }>("SELECT term FROM terms ORDER BY offset").toArray();
        const ours = Array.from(wordsIn(text), ({ folded }) => folded);
        if (ours.length !== theirs.length)
          wrong.push(`${from.toString(16)}: ${ours.length} words and not ${theirs.length}`);
        // The same fold is not asked for, only that what is one to SQLite is one here.
        const byTerm = new Map<string, string>();
        theirs.forEach(({ term }, index) => {
          const known = byTerm.get(term) ?? ours[index] ?? "";
          if (known !== ours[index]) wrong.push(`${term}: ${known} and ${ours[index]}`);
          byTerm.set(term, known);
        });
      }
      return wrong;
    });
    expect(differing).toEqual([]);
  });

  test("[Q2] what is said is found at once, and what was changed or deleted is not, in the same step", async () => {
    const room = await searched();
    const id = await say(room, { text: "alpha" });
    expect(await found(room, "alpha")).toEqual(["alpha"]);
    await on(room, `messages/${id}`, "PATCH", { text: "beta" });
    expect([await found(room, "alpha"), await found(room, "beta")]).toEqual([[], ["beta"]]);
    await on(room, `messages/${id}`, "PATCH", { data: { beta: 1 } });
    await on(room, `messages/${id}/reactions/👍`, "PUT").catch(() => undefined);
    expect(await found(room, "beta")).toEqual(["beta"]);
    await on(room, `messages/${id}`, "PATCH", { text: null });
    expect(await found(room, "beta")).toEqual([]);
    await on(room, `messages/${id}`, "PATCH", { text: "gamma" });
    await on(room, `messages/${id}`, "DELETE");
    expect(await found(room, "gamma")).toEqual([]);
    await integrity(room);
  });

  test("[Q2] of several changes in one flush the last one counts", async () => {
    const room = await searched();
    const ada = await room.enter("ada", { backlog: 0 });
    const first = (ada.welcome.head ?? 0) + 1;
    ada.send([
      { type: "publish", ref: "1", nonce: "nonce-one", text: "alpha" },
      { type: "publish", ref: "2", nonce: "nonce-two", text: "alpha too" },
      { type: "edit", ref: "3", id: first, text: "beta" },
      { type: "delete", ref: "4", id: first + 1 },
    ]);
    await ada.answer("4");
    expect([await found(room, "alpha"), await found(room, "beta")]).toEqual([[], ["beta"]]);
    await integrity(room);
  });

  test("[Q2] a message that has expired is never found, swept or not, and one that is being streamed when it has ended", async () => {
    const room = await searched();
    await say(room, { text: "fleeting", expiresInMs: 1_000 });
    pass(999);
    expect(await found(room, "fleeting")).toEqual(["fleeting"]);
    pass(1);
    expect(await found(room, "fleeting")).toEqual([]);
    await work(room, "expiry");
    const id = await room.post("partial");
    const become = (text: string, status: string): Promise<unknown> =>
      query(room.tenant, here, `UPDATE message SET text = '${text}', status = '${status}' WHERE id = ${id}`);
    await become("partial answer", "streaming");
    expect(await found(room, "partial")).toEqual([]);
    await become("partial answer so far", "streaming");
    await become("partial answer at last", "interrupted");
    expect(await found(room, "partial last")).toEqual(["partial answer at last"]);
    await integrity(room);
  });

  test("[Q3] what is hidden is found by its author and those who may moderate, and by nobody else", async () => {
    const room = await searched();
    await on(room, "bans/eve", "PUT", { shadow: true });
    const eve = await room.token("eve", ordinary);
    await say(room, { text: "psst" }, eve);
    expect(await found(room, "psst", {}, eve)).toEqual(["psst"]);
    expect(await found(room, "psst", {}, await room.token("mo", everything))).toEqual(["psst"]);
    expect(await found(room, "psst", {}, await room.token("bo", ordinary))).toEqual([]);
    expect(await found(room, "psst", { order: "relevance" }, await room.token("bo", ordinary))).toEqual([]);
  });
});

test("[Q3] [M10] what is found is told as its reader is shown it: a hidden reply moves nothing for others", async () => {
  const room = await searched();
  await on(room, "bans/eve", "PUT", { shadow: true });
  const [eve, bo] = [await room.token("eve", ordinary), await room.token("bo", ordinary)];
  const id = await say(room, { text: "question" }, bo);
  await say(room, { text: "psst", replyTo: id }, eve);
  for (const credential of [eve, bo]) {
    const read = await call(`/v1/rooms/${here}/messages/${id}`, { credential });
    const { message } = await read.json<{ message: { seq: number; replies: number } }>();
    expect(message).toMatchObject(credential === bo ? { seq: id, replies: 0 } : { replies: 1 });
    expect((await ask(room, { q: "question" }, credential)).items).toMatchObject([{ message }]);
  }
});

describe("whether a room is searched", () => {
  test("[Q4] by its own word, else by its tenant's; where it is not, it says so with 409", async () => {
    const room = await place();
    await room.post("hello");
    const status = async (): Promise<number> =>
      (await call(`/v1/rooms/${here}/search?q=hello`, { credential: room.tenant.key })).status;
    const tenantSets = async (search: boolean): Promise<void> => {
      const body = { settings: { search } };
      expect((await call("/v1/tenant", { method: "PATCH", credential: room.tenant.key, body })).status).toBe(200);
      await call(`/v1/rooms/${here}`, { credential: room.tenant.key });
    };
    const off = await call(`/v1/rooms/${here}/search?q=hello`, { credential: room.tenant.key });
    await refused(off, 409, "conflict");
    const ada = await room.enter("ada");
    await tenantSets(true);
    expect(await status()).toBe(200);
    await set(room, { search: false });
    expect(await status()).toBe(409);
    await set(room, { search: true });
    await tenantSets(false);
    expect(await status()).toBe(200);
    await set(room, { search: null });
    expect(await status()).toBe(409);
    await room.slipOut(ada);
    // A room that comes to be is searched from its first word.
    await tenantSets(true);
    const fresh = new Place(room.tenant, "fresh");
    await fresh.post("hello");
    expect(await ask(fresh, { q: "hello" })).toMatchObject({ complete: true, items: [{}] });
  });

  test("[Q4] what the tenant sets reaches its rooms that sleep, too", async () => {
    const room = await place();
    await room.post("hello");
    const body = { settings: { search: true } };
    await call("/v1/tenant", { method: "PATCH", credential: room.tenant.key, body });
    await runDurableObjectAlarm(env.TENANT.getByName(room.tenant.id));
    expect(await query(room.tenant, here, "SELECT built_from FROM search_state")).toEqual([{ built_from: 2 }]);
    await work(room);
    expect(await ask(room, { q: "hello" })).toMatchObject({ items: [{}], complete: true });
  });

  test("[Q4] turned on later, older messages are put in pass by pass, the newest first, while others publish and change them", async () => {
    const room = await place();
    await fill(room, 2 * searchBuildRows + 10);
    await set(room, { search: true });
    expect(await ask(room, { q: "said" })).toMatchObject({ items: [], complete: false });
    const id = await room.post("said now");
    expect(await found(room, "said")).toEqual(["said now"]);
    await room.ring();
    expect(await room.dueMs("search")).toBe(Date.now() + searchBuildPauseMs);
    const [newest = "", ...rest] = await found(room, "said", { limit: 100 });
    expect([newest, rest.length]).toEqual(["said now", 99]);
    // What is not in it yet goes, or changes, without leaving anything in it.
    await on(room, "messages/3", "DELETE");
    await on(room, "messages/4", "PATCH", { text: "edited early" });
    await on(room, `messages/${id - 3}`, "DELETE");
    expect(await found(room, "early")).toEqual([]);
    expect(await work(room)).toBeLessThan(10);
    await integrity(room);
    expect(await found(room, "early")).toEqual(["edited early"]);
    const all = await ask(room, { q: "said", limit: 100 });
    expect(all.complete).toBe(true);
    const count = await query<{ n: number }>(
      room.tenant,
      here,
      "SELECT count(*) AS n FROM search WHERE search MATCH 'said'",
    );
    expect(count).toEqual([{ n: 2 * searchBuildRows + 10 + 1 - 3 }]);
  });

  test("[Q4] the building goes on after every loss of memory, and ends once", async () => {
    const room = await place();
    await fill(room, 3 * searchBuildRows);
    await set(room, { search: true });
    for (let passes = 0; (await room.dueMs("search")) !== null; passes++) {
      expect(passes).toBeLessThan(10);
      await evict(room.tenant, here);
      goTo((await room.dueMs("search")) ?? 0);
      await room.ring();
    }
    await integrity(room);
    expect((await ask(room, { q: "said" })).complete).toBe(true);
    await evict(room.tenant, here);
    expect(await found(room, '"said 9"')).toEqual(["said 9"]);
  });

  test("[Q4] [Q8] turned off nothing is left of it, and messages pay nothing again", async () => {
    const room = await searched();
    await room.post("hello");
    await set(room, { search: false });
    const left = await query(room.tenant, here, "SELECT name FROM sqlite_master WHERE name LIKE 'search%'");
    expect(left).toEqual([{ name: "search_state" }]);
    expect(await query(room.tenant, here, "SELECT * FROM search_state")).toEqual([]);
    await room.post("more");
    await set(room, { search: true });
    await work(room);
    expect(await found(room, "more")).toEqual(["more"]);
  });
});

describe("pages", () => {
  test.each(["newest", "relevance"])("[Q5] by %s each match comes once, whatever is said meanwhile", async (order) => {
    const room = await searched();
    for (let n = 0; n < 23; n++) await room.post(n % 3 === 0 ? `word word ${n}` : `word ${n} and more`);
    const pages: number[][] = [];
    for (let next: string | undefined = ""; next !== undefined;) {
      const answer: SearchAnswer = await ask(room, { q: "word", order, limit: 5, ...(next === "" ? {} : { next }) });
      pages.push(answer.items.map(({ message }) => message.id));
      next = answer.next;
      await room.post("word word word: the best and the newest");
    }
    const ids = pages.flat();
    expect(pages.map(({ length }) => length)).toEqual([5, 5, 5, 5, 3]);
    expect(new Set(ids).size).toBe(23);
    if (order === "newest") expect(ids).toEqual(ids.toSorted((one, other) => other - one));
    else expect(pages.slice(0, 2).flat().slice(0, 8)).toEqual(ids.slice(0, 8).toSorted((one, other) => other - one));
  });

  test("[Q5] [Q9] where none of the words is rare a call looks through so many ids, and `next` goes on below them", async () => {
    const room = await place();
    const { searchSpan, searchRare } = fixedLimits;
    await fill(
      room,
      2 * searchSpan + 100,
      `CASE WHEN id % 4 = 0 THEN 'common' ELSE '' END || iif(id = 52, ' needle', '')`,
    );
    await set(room, { search: true });
    await runInDurableObject(roomObject(room.tenant, here), (_, { storage }) => {
      storage.sql.exec("INSERT INTO search (rowid, text) SELECT id, text FROM message WHERE text <> ''");
      storage.sql.exec("UPDATE search_state SET built_from = 0");
    });
    await evict(room.tenant, here);
    expect((2 * searchSpan) / 4).toBeGreaterThan(searchRare);
    let calls = 0;
    const ids: number[] = [];
    for (let next: string | undefined = ""; next !== undefined; calls++) {
      const answer: SearchAnswer = await ask(room, { q: "common", from: "nobody", ...(next === "" ? {} : { next }) });
      ids.push(...answer.items.map(({ message }) => message.id));
      next = answer.next;
    }
    expect([calls, ids]).toEqual([3, []]);
    // One that is rare is found wherever it lies.
    expect(await ask(room, { q: "common needle", order: "newest" })).toMatchObject({
      items: [{ message: { id: 52 } }],
    });
  });
});

describe("what it costs", () => {
  test("[Q7] [P5] a room that is not searched pays nothing for it, one that is two rows for a message and a step", async () => {
    const rows = async (room: Place): Promise<number> =>
      (await rowsOf(room.tenant, here, () => room.post("a plain message of some words"))).written;
    const plain = await place();
    await plain.post("the first");
    const room = await searched();
    await room.post("warm");
    const [without, withIt] = [await rows(plain), await rows(room)];
    expect(withIt - without).toBeLessThanOrEqual(1);
    const names = await query<{ name: string }>(
      plain.tenant,
      here,
      "SELECT name FROM sqlite_master WHERE name LIKE 'search%'",
    );
    expect(names).toEqual([{ name: "search_state" }]);
    expect(await plain.dueMs("search")).toBeNull();
  });

  test("[Q7] segments are merged by the alarm after so many flushes, which then leaves the room alone", async () => {
    const room = await searched();
    await work(room);
    for (let n = 0; n < searchSegments; n++) await room.post(`word ${n}`);
    expect(await room.dueMs("search")).not.toBeNull();
    const segments = async (): Promise<number> =>
      (await query<{ n: number }>(room.tenant, here, "SELECT count(DISTINCT segid) AS n FROM search_idx"))[0]?.n ?? 0;
    expect(await segments()).toBeGreaterThanOrEqual(searchSegments);
    expect(await work(room)).toBeLessThan(5);
    expect(await segments()).toBeLessThan(searchSegments);
    await evict(room.tenant, here);
    await room.post("once more");
    expect(await room.dueMs("search")).toBeNull();
    await integrity(room);
  });

  test("[Q9] [W7] of words that begin so as much as fits into so many pages is put together; beyond that another letter is asked for", async () => {
    const text = `(WITH RECURSIVE word (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM word WHERE i < 1500)
      SELECT group_concat(printf('zq%x', random() + 0 * (i + n.id)), ' ') FROM word)`;
    const { searchPrefixPages: most } = fixedLimits;
    const statusOf = async (room: Place, q: string): Promise<number> =>
      (await call(`/v1/rooms/${here}/search?q=${q}`, { credential: room.tenant.key })).status;
    for (const [messages, status] of [
      [14, 200],
      [55, 400],
    ] as const) {
      const room = await place();
      await fill(room, messages, text);
      await set(room, { search: true });
      await work(room);
      const pages = await runInDurableObject(roomObject(room.tenant, here), (_, { storage: { sql } }) =>
        new SearchIndex(sql).pagesOf(["zq"]),
      );
      expect([pages, pages > most]).toEqual([pages, status === 400]);
      expect([await statusOf(room, "zq*"), await statusOf(room, "before -zq*")]).toEqual([status, status]);
      expect(await statusOf(room, "zq12* zq3*")).toBe(200);
      if (status === 200) continue;
      const refusal = await call(`/v1/rooms/${here}/search?q=zq*`, { credential: room.tenant.key });
      expect((await refused(refusal, 400, "invalid_field")).detail).toContain("`zq*`: name another letter");
    }
  });

  test("[Q4] after a search that has stopped before its last match the index goes at once", async () => {
    const room = await searched();
    await fill(room, 60);
    await set(room, { search: false });
    await set(room, { search: true });
    await work(room);
    for (const order of ["newest", "relevance"])
      expect(await ask(room, { q: "said", order, limit: 5 })).toMatchObject({ next: expect.any(String) });
    await set(room, { search: false });
    expect(await query(room.tenant, here, "SELECT name FROM sqlite_master WHERE name = 'search'")).toEqual([]);
  });

  test("[Q9] searches of a user and of a room have a rate, and a refusal says when to come again", async () => {
    const room = await place({
      searchPerUserBurst: 2,
      searchPerUserPerSecond: 1,
      searchPerRoomBurst: 3,
      searchPerRoomPerSecond: 1,
    });
    await room.post("hello");
    await set(room, { search: true });
    const [ada, bo] = [await room.token("ada"), await room.token("bo")];
    const one = (credential: string): Promise<Response> => call(`/v1/rooms/${here}/search?q=hello`, { credential });
    for (let times = 0; times < 2; times++) expect((await one(ada)).status).toBe(200);
    const problem = await (await one(ada)).json();
    expect(problem).toMatchObject({ code: "rate_limited", retryAfterMs: 1_000, limit: { scope: "user_in_room" } });
    expect((await one(bo)).status).toBe(200);
    expect(await (await one(bo)).json()).toMatchObject({ code: "rate_limited", limit: { scope: "room" } });
    pass(1_000);
    expect((await one(ada)).status).toBe(200);
  });
});

describe("what is gone", () => {
  test("[Q8] what is edited, deleted, redacted, expired, removed by retention or erased leaves no word in the index", async () => {
    const room = await searched();
    const ada = await room.token("ada");
    const ids: Record<string, number> = {};
    for (const word of ["editedword", "deletedword", "redactedword"])
      ids[word] = await say(room, { text: `hello ${word}` });
    await say(room, { text: "hello expiredword", expiresInMs: 1_000 });
    await say(room, { text: "hello erasedword" }, ada);
    await room.post("hello keptword");
    for (let n = 0; n < 2 * searchSegments; n++) await room.post(`filler${n}`);
    await work(room);
    expect(await remains(room)).toContain("rasedword");
    await on(room, `messages/${ids["editedword"]}`, "PATCH", { text: "hello" });
    await on(room, `messages/${ids["deletedword"]}`, "DELETE");
    await on(room, `messages/${ids["redactedword"]}?redact=true`, "DELETE");
    pass(1_000);
    await work(room, "expiry");
    await roomObject(room.tenant, here).erase("ada");
    const words = async (): Promise<string> => {
      const text = await remains(room);
      await query(room.tenant, here, "CREATE VIRTUAL TABLE words USING fts5vocab('search', 'row')");
      const rows = await query<{ term: string }>(room.tenant, here, "SELECT term FROM words");
      await query(room.tenant, here, "DROP TABLE words");
      return `${text} ${rows.map(({ term }) => term).join(" ")}`;
    };
    const left = await words();
    for (const word of ["editedword", "deletedword", "redactedword", "expiredword", "erasedword"])
      expect([word, left.includes(word)]).toEqual([word, false]);
    expect(left).toContain("keptword");
    await set(room, { retentionMessages: 1 });
    await work(room, "retention");
    expect(await words()).not.toContain("keptword");
    await integrity(room);
  });

  /** Beginnings of pages of the index with which no word begins that is still said. */
  const leftOver = (room: Place): Promise<string[]> =>
    runInDurableObject(roomObject(room.tenant, here), (_, { storage: { sql } }) => {
      const words = sql.exec<{ term: string }>("SELECT DISTINCT term FROM search_words").toArray();
      const borders = sql.exec<{ begin: string }>("SELECT CAST(substr(term, 2) AS TEXT) AS begin FROM search_idx");
      return Array.from(borders, ({ begin }) => begin ?? "").filter(
        (begin) => !words.some(({ term }) => term.startsWith(begin)),
      );
    });
  const manyWords = (): Promise<Place> =>
    place().then(async (room) => {
      const unique = [7_919, 104_729, 1_299_709, 15_485_863].map((prime) => `' unique' || (id * ${prime} % 1000003)`);
      await fill(room, 6_000, `'said kept' || (id % 5) || iif(id % 5 < 3, ${unique.join(" || ")}, '')`);
      await set(room, { search: true });
      await work(room);
      return room;
    });

  test("[Q8] [D17] an erasure is over when nothing is left of his words where pages of the index begin, either", async () => {
    const room = await manyWords();
    const object = roomObject(room.tenant, here);
    expect(await object.erase("u_1")).toMatchObject({ ok: false, error: "overloaded" });
    expect((await leftOver(room)).length).toBeGreaterThan(2);
    // Somebody else's words may go all the time.
    await on(room, `messages/${await room.post("said hello")}`, "PATCH", { text: "said goodbye" });
    await work(room);
    expect(await leftOver(room)).toEqual([]);
    expect(await object.erase("u_1")).toEqual({ ok: true });
    expect(await found(room, "kept3", { limit: 100 })).toHaveLength(100);
    await integrity(room);
  });

  test("[Q8] what is removed in silence, or while the index is being merged and the room loses its memory, leaves nothing", async () => {
    const room = await manyWords();
    await query(room.tenant, here, `UPDATE message SET expires_at = ${Date.now()} WHERE id % 5 = 1`);
    await runInDurableObject(roomObject(room.tenant, here), (_, { storage: { sql } }) => {
      sql.exec("DELETE FROM message WHERE id % 5 = 1 AND id > 500");
    });
    expect((await leftOver(room)).length).toBeGreaterThan(2);
    await room.post("the next");
    for (let times = 0; times < 6; times++) {
      goTo((await room.dueMs("search")) ?? 0);
      await room.ring();
      await room.post(`said ${times}`);
      await evict(room.tenant, here);
    }
    await on(room, "messages/7", "DELETE");
    await work(room);
    expect([await leftOver(room), await room.dueMs("search")]).toEqual([[], null]);
    await integrity(room);
  });

  test("[Q8] passes of retention and erasure are smaller where each message is taken out of the index", async () => {
    const room = await place();
    await fill(room, passRows + 50);
    await set(room, { search: true });
    await work(room);
    await set(room, { retentionMessages: 10 });
    await room.ring();
    const [{ n } = { n: 0 }] = await query<{ n: number }>(room.tenant, here, "SELECT count(*) AS n FROM message");
    expect(n).toBe(passRows + 51 - searchedPassRows);
    expect(await room.dueMs("retention")).toBe(Date.now() + passPauseMs);
    await roomObject(room.tenant, here).erase("u_1");
    expect(await found(room, "said", { from: "u_1" })).toEqual([]);
    await integrity(room);
  });

  test("[Q8] the index of a room that is deleted is gone, and one that is made anew begins with an empty one", async () => {
    const room = await searched();
    await room.post("secretword");
    const all = { credential: room.tenant.key };
    expect((await call(`/v1/rooms/${here}`, { ...all, method: "DELETE" })).status).toBe(204);
    expect(await query(room.tenant, here, "SELECT name FROM sqlite_master WHERE name = 'search'")).toEqual([]);
    expect(
      (await call(`/v1/rooms/${here}`, { ...all, method: "PUT", body: { settings: { search: true } } })).status,
    ).toBe(201);
    expect(await ask(room, { q: "secretword" })).toMatchObject({ items: [], complete: true });
    await room.post("newword");
    expect(await found(room, "newword")).toEqual(["newword"]);
    expect(await remains(room)).not.toContain("secretword");
    await roomObject(room.tenant, here).dissolve();
    expect(await query(room.tenant, here, "SELECT name FROM sqlite_master WHERE name LIKE 'search%'")).toEqual([]);
  });

  test("[Q10] an index is in no export, and an imported room builds its own", async () => {
    const room = await searched();
    await room.post("carried word");
    const text = await exported(room.tenant, here);
    const copy = new Place(room.tenant, "copy");
    await call("/v1/rooms/copy", { method: "PUT", credential: room.tenant.key, body: {} });
    expect((await imported(room.tenant, "copy", text)).status).toBe(201);
    await work(copy);
    expect(await found(copy, "carried")).toEqual(["carried word"]);
    expect((await exported(room.tenant, "copy")).split("\n").slice(1)).toEqual(text.split("\n").slice(1));
    await integrity(copy);
  });
});
