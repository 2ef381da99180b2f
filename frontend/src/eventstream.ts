/** Server-Sent Events, read from text as it arrives (WHATWG HTML, section 9.2.6). */

export interface Message {
  /** Null where the block has none: it does not move the cursor. */
  readonly id: string | null;
  readonly event: string;
  readonly data: string;
}

export class EventStream {
  /** The id of the newest block that has one, be it without data. */
  lastId = "";
  /** Milliseconds that the server wants a client to wait before it comes back. */
  retry: number | null = null;
  #begun = false;
  #afterReturn = false;
  #line = "";
  #id: string | null = null;
  #event = "";
  #data: string[] = [];

  /** Take the next piece of text, cut anywhere; returns the messages that it completes. */
  push(text: string): Message[] {
    if (!text) return [];
    let piece = text;
    if (!this.#begun && piece.startsWith("\uFEFF")) piece = piece.slice(1);
    this.#begun = true;
    if (this.#afterReturn && piece.startsWith("\n")) piece = piece.slice(1);
    this.#afterReturn = text.endsWith("\r");
    const [first = "", ...others] = piece.split(/\r\n?|\n/);
    this.#line += first;
    const messages: Message[] = [];
    for (const next of others) {
      const line = this.#line;
      this.#line = next;
      if (line) this.#take(line);
      else this.#dispatch(messages);
    }
    return messages;
  }

  #take(line: string): void {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#event = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
  }

  #dispatch(messages: Message[]): void {
    const [id, data] = [this.#id, this.#data];
    this.lastId = id ?? this.lastId;
    if (data.length) messages.push({ id, event: this.#event || "message", data: data.join("\n") });
    this.#id = null;
    this.#event = "";
    this.#data = [];
  }
}
