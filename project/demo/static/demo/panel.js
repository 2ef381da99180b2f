const STATES = {
  idle: "Nothing to follow yet",
  connecting: "Connecting",
  open: "Connected",
  waiting: "Trying again soon",
  offline: "Offline",
  refused: "Refused",
  closed: "Closed",
};

const TRANSPORTS = {
  websocket: "WebSocket",
  sse: "Server-Sent Events",
  "long-polling": "Long-polling",
  polling: "Polling",
};

/** What the panel says of the connection. */
export class ConnectionPanel {
  #dot;
  #state;
  #transport;
  #latency;
  #said = "";
  #note;

  /** `note` is told, as text, each change that a visitor may want to look up later. */
  constructor(root, note) {
    this.#dot = root.querySelector("[data-dot]");
    this.#state = root.querySelector("[data-state]");
    this.#transport = root.querySelector("[data-transport]");
    this.#latency = root.querySelector("[data-latency]");
    this.#note = note;
  }

  /** Show a state of the connection. */
  show({ status, transport, latency, error }) {
    const text = STATES[status] ?? status;
    const over = TRANSPORTS[transport] ?? "none";
    this.#dot.className = `dot ${status}`;
    // A live region reads out whatever is set, even the same again.
    if (this.#state.textContent !== text) this.#state.textContent = text;
    this.#transport.textContent = over;
    this.#latency.textContent = latency === null ? "unknown" : `${Math.max(1, Math.round(latency))} ms`;
    // A try is no news: while there is no server, each would be one.
    if (status === "connecting") return;
    const said = status === "open" ? `connected over ${over}` : text.toLowerCase();
    if (said !== this.#said && status !== "idle" && status !== "closed") {
      this.#note(error && status === "refused" ? `${said}: ${error.message}` : said);
    }
    this.#said = said;
  }
}
