/** A user with two sockets and two event streams in each of fifty rooms, half of which sleep when the user is revoked. */
import { setTimeout as sleep } from "node:timers/promises";
import { Reader } from "../chaos/reader.ts";
import { call, type LiveTenant, newToken } from "../chaos/tenant.ts";
import { EventReader } from "../support/eventReader.ts";
import { shakeHands } from "../support/rawSocket.ts";

const roomCount = 50;
const each = 2;
const rooms = Array.from({ length: roomCount }, (_, index) => `room-${index}`);
/** In which nobody has a socket. */
const quietRooms = ["quiet-1", "quiet-2"];
const reason = "left the company";
/** A room's last job is due 10 s after the last one came in, and workerd lets it sleep 10 s later. */
const asleepMs = 22_000;
const closedWithinMs = 10_000;
const everywhereMs = 5_000;

export interface Revoked {
  /** From the request on, until the last connection was told and closed. */
  readonly closedMs: number;
  readonly sockets: readonly (number | null)[];
  readonly streams: readonly unknown[];
  /** Of those of others, which stay: how many rooms had slept. */
  readonly others: readonly (number | null)[];
  readonly woken: number;
  /** Answers to messages of the user's: in those rooms from then on, and anywhere after 5 s. */
  readonly inRooms: readonly number[];
  readonly anywhere: readonly number[];
  readonly upgrades: readonly number[];
  /** How many of the messages that were under way meanwhile are stored, beside how many were answered as stored. */
  readonly stored: readonly [number, number];
}

export class Fifty {
  readonly #tenant: LiveTenant;
  readonly #token: string;
  readonly #sockets: Reader[] = [];
  readonly #streams: EventReader[] = [];
  readonly #others: Reader[] = [];

  private constructor(tenant: LiveTenant, token: string) {
    this.#tenant = tenant;
    this.#token = token;
  }

  static async open(tenant: LiveTenant): Promise<Fifty> {
    const fifty = new Fifty(tenant, await newToken(tenant, "eve"));
    const other = await newToken(tenant, "bo");
    for (let next = 0; next < roomCount; next += 10)
      await Promise.all(rooms.slice(next, next + 10).map((room) => fifty.#fill(room, other)));
    for (const room of quietRooms) await fifty.#publish(room);
    return fifty;
  }

  async #fill(room: string, other: string): Promise<void> {
    const beside = new Reader({ tenant: this.#tenant, room, token: other });
    this.#others.push(beside);
    await beside.open();
    for (let count = 0; count < each; count++) {
      const socket = new Reader({ tenant: this.#tenant, room, token: this.#token });
      const stream = new EventReader({ url: this.#tenant.url, room, token: this.#token });
      this.#sockets.push(socket);
      this.#streams.push(stream);
      await Promise.all([socket.open(), stream.open()]);
      // As every client does; one that never said a word is torn down late.
      socket.send('{"type":"ping"}');
    }
  }

  /** When all rooms sleep. */
  async revoke(): Promise<Revoked> {
    await sleep(asleepMs);
    const isAwake = (_: unknown, index: number): boolean => index % 2 === 0;
    const awake = rooms.filter(isAwake);
    for (const room of awake) await this.#publish(room);
    const marks = (): number => this.#others.reduce((sum, { copy }) => sum + copy.marks, 0);
    const [marksBefore, headsBefore] = [marks(), await this.#heads(awake)];
    const underWay = awake.map((room) => this.#publish(room));
    const startMs = performance.now();
    const answered = call(`${this.#tenant.url}/v1/revocations`, {
      method: "POST",
      credential: this.#tenant.key,
      body: { user: "eve", reason },
    });
    const isOver = (): boolean =>
      this.#sockets.every(({ closedWith }) => closedWith !== null) &&
      this.#streams.every(({ endedBy }) => endedBy !== null);
    while (!isOver() && performance.now() < startMs + closedWithinMs) await sleep(2);
    const closedMs = performance.now() - startMs;
    const inRooms = await Promise.all(rooms.map((room) => this.#publish(room)));
    if ((await answered).status !== 201) throw new Error("not revoked");
    const passed = (await Promise.all(underWay)).filter((status) => status === 201).length;
    const stored = (await this.#heads(awake)) - headsBefore;
    await sleep(Math.max(0, startMs + everywhereMs - performance.now()));
    return {
      closedMs,
      sockets: this.#sockets.map(({ closedWith }) => closedWith),
      streams: this.#streams.map(({ closing }) => closing),
      others: this.#others.map(({ closedWith }) => closedWith),
      woken: marks() - marksBefore,
      inRooms,
      anywhere: await Promise.all([...quietRooms, "new"].map((room) => this.#publish(room))),
      upgrades: await Promise.all([...rooms.slice(0, 2), ...quietRooms].map((room) => this.#upgrade(room))),
      stored: [stored, passed],
    };
  }

  async #publish(room: string): Promise<number> {
    const address = `${this.#tenant.url}/v1/rooms/${room}/messages`;
    const response = await call(address, { method: "POST", credential: this.#token, body: { text: "x" } });
    await response.body?.cancel();
    return response.status;
  }

  async #upgrade(room: string): Promise<number> {
    const subprotocols = ["parley.v1", `bearer.${this.#token}`];
    const handshake = await shakeHands(`${this.#tenant.url}/v1/rooms/${room}/socket`, { subprotocols });
    return handshake.ok ? 101 : handshake.status;
  }

  /** The sum of how many changes there are in each. */
  async #heads(named: readonly string[]): Promise<number> {
    const heads = await Promise.all(
      named.map(async (room) => {
        const response = await call(`${this.#tenant.url}/v1/rooms/${room}`, { credential: this.#tenant.key });
        return (await response.json<{ head: number }>()).head;
      }),
    );
    return heads.reduce((sum, head) => sum + head, 0);
  }
}
