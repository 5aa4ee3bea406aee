/**
 * A connection of k6's. k6 1.8 reads from it before it calls it open, and passes over what comes in between (`establishConnection` and
 * `queueMessage` in its internal/js/modules/k6/websockets/websockets.go): on a busy machine now and then the welcome. Who was not
 * welcomed first has missed something that was sent, and calls again.
 */
import { Counter } from "k6/metrics";
import { WebSocket } from "k6/websockets";
import type { Ear, Line } from "../scenarios/ground.ts";
import { after } from "./after.ts";

/** How often one had to. */
const calledAgain = new Counter("k6_called_again");
/** The welcome is the answer to the handshake. */
const welcomeMs = 10_000;

export class Call implements Line {
  readonly #address: string;
  readonly #protocols: readonly string[];
  readonly #ear: Ear;
  #socket: WebSocket;
  #state: "calling" | "welcomed" | "left" | "over" = "calling";
  #stopWaiting: () => void = () => undefined;

  constructor(address: string, protocols: readonly string[], ear: Ear) {
    this.#address = address;
    this.#protocols = protocols;
    this.#ear = ear;
    this.#socket = this.#open();
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  leave(): void {
    this.#state = "left";
    this.#stopWaiting();
    this.#socket.close();
  }

  /** k6 can only say goodbye. */
  drop(): void {
    this.leave();
  }

  #open(): WebSocket {
    const socket = new WebSocket(this.#address, this.#protocols);
    const isCurrent = (): boolean => socket === this.#socket;
    socket.addEventListener("open", () => isCurrent() && this.#wait());
    socket.addEventListener("message", ({ data }) => isCurrent() && this.#heard(data));
    // A handshake that is refused only errs.
    socket.addEventListener("error", () => isCurrent() && this.#end());
    socket.addEventListener("close", () => isCurrent() && this.#end());
    return socket;
  }

  #wait(): void {
    if (this.#state === "calling") this.#stopWaiting = after(welcomeMs, () => this.#again());
  }

  #heard(text: string): void {
    this.#stopWaiting();
    if (this.#state === "left") return;
    if (this.#state === "calling") {
      if (!text.startsWith('{"type":"welcome"')) return this.#again();
      this.#state = "welcomed";
      this.#ear.opened();
    }
    this.#ear.heard(text);
  }

  #again(): void {
    calledAgain.add(1);
    const deaf = this.#socket;
    this.#socket = this.#open();
    deaf.close();
  }

  #end(): void {
    this.#stopWaiting();
    if (this.#state !== "over") this.#ear.closed();
    this.#state = "over";
  }
}
