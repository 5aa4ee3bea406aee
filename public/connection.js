/** One WebSocket of `parley.v1`: takes batches apart, pings, notices a dead peer, and ends exactly once. */
export class Connection {
  /** The server says in `welcome` how often it wants to be pinged. */
  pingMs = 25_000;
  #socket;
  #handlers;
  #ended = false;
  #deadline;
  #nextPing;

  /** `onEnd` gets `{code, reason, reconnect?, retryAfterMs?}`; nothing is called after it. */
  constructor({ url, token, onFrame, onEnd, onWire }) {
    this.#handlers = { onFrame, onEnd, onWire };
    // A browser cannot set headers here, and a URL ends up in logs: the token travels as a second subprotocol.
    this.#socket = new WebSocket(url, ["parley.v1", `bearer.${token}`]);
    this.#socket.onopen = () => this.#ping();
    this.#socket.onmessage = ({ data }) => this.#receive(data);
    this.#socket.onclose = ({ code, reason }) => this.end({ code, reason });
    this.#expectAnswer("The server did not answer.");
  }

  send(frame) {
    if (this.#ended || this.#socket.readyState !== WebSocket.OPEN) return;
    const text = JSON.stringify(frame);
    this.#handlers.onWire("sent", text);
    this.#socket.send(text);
  }

  /** Ends it for us at once. Whether the close ever reaches a dead peer is not waited for. */
  end(ending) {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#deadline);
    clearTimeout(this.#nextPing);
    Object.assign(this.#socket, { onopen: null, onmessage: null, onclose: null });
    this.#socket.close();
    this.#handlers.onEnd(ending);
  }

  // Right after opening too: until a socket has sent something, the server's close may arrive late.
  #ping() {
    this.send({ type: "ping" });
    this.#expectAnswer("The connection went silent.");
  }

  #expectAnswer(reason) {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.end({ code: 1006, reason }), 10_000);
  }

  #receive(text) {
    this.#handlers.onWire("received", text);
    const frames = framesIn(text);
    if (frames === null) return this.end({ code: 1006, reason: "The server said something that is not JSON." });
    for (const frame of frames) {
      if (this.#ended) return;
      if (frame.type === "pong") this.#answered();
      // The farewell says all that the close will say, and more; a Close frame may get lost.
      else if (frame.type === "closing") this.end(frame);
      else this.#handlers.onFrame(frame);
    }
  }

  #answered() {
    clearTimeout(this.#deadline);
    clearTimeout(this.#nextPing);
    this.#nextPing = setTimeout(() => this.#ping(), this.pingMs);
  }
}

/** A JSON array is a batch of frames. */
function framesIn(text) {
  try {
    return [JSON.parse(text)].flat();
  } catch {
    return null;
  }
}
