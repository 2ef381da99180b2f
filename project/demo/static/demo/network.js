/**
 * A network with a switch in it: what the client uses of the browser, until a visitor breaks it.
 * Nothing of the client knows; it sees what it would see of a real fault.
 */
export class Network {
  #browser;
  #lines = new Set();
  #wakers = new Set();
  #cutting = new AbortController();
  #offline = false;

  /** `browser` is the client's Environment. */
  constructor(browser) {
    this.#browser = browser;
  }

  get offline() {
    return this.#offline;
  }

  /** The Environment to give the client. */
  get environment() {
    const browser = this.#browser;
    return {
      ...browser,
      fetch: (url, init) => this.#fetch(url, init),
      socket: browser.socket && ((url) => this.#socket(url)),
      online: () => !this.#offline && browser.online(),
      onWake: (run) => this.#onWake(run),
    };
  }

  /** Break all that is open. What is opened afterwards holds. */
  cut() {
    this.#cutting.abort(new TypeError("the connection was cut"));
    this.#cutting = new AbortController();
    for (const line of [...this.#lines]) line.drop();
  }

  /** Go offline, which breaks all that is open and lets nothing be opened, or come back. */
  set offline(offline) {
    this.#offline = offline;
    if (offline) this.cut();
    for (const run of [...this.#wakers]) run();
  }

  async #fetch(url, init = {}) {
    if (this.#offline) throw new TypeError("the page is offline");
    const signals = [this.#cutting.signal, init.signal].filter(Boolean);
    return this.#browser.fetch(url, { ...init, signal: AbortSignal.any(signals) });
  }

  #socket(url) {
    const line = new Line(this.#offline ? null : this.#browser.socket(url), () => this.#lines.delete(line));
    this.#lines.add(line);
    if (this.#offline) this.#browser.after(0, () => line.drop());
    return line;
  }

  #onWake(run) {
    this.#wakers.add(run);
    const stop = this.#browser.onWake(run);
    return () => {
      this.#wakers.delete(run);
      stop();
    };
  }
}

/** A WebSocket that can be dropped as a network drops it: without a word, and with code 1006. */
class Line {
  onopen = null;
  onmessage = null;
  onclose = null;
  #socket;
  #ended;

  constructor(socket, ended) {
    this.#socket = socket;
    this.#ended = ended;
    if (!socket) return;
    socket.onopen = (event) => this.onopen?.(event);
    socket.onmessage = (event) => this.onmessage?.(event);
    socket.onclose = (event) => this.#close(event);
  }

  send(data) {
    this.#socket?.send(data);
  }

  close(code, reason) {
    if (this.#socket) this.#socket.close(code, reason);
    else this.#ended();
  }

  drop() {
    const socket = this.#socket;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#close(new CloseEvent("close", { code: 1006 }));
  }

  #close(event) {
    this.#socket = null;
    this.#ended();
    this.onclose?.(event);
  }
}
