import { element } from "./markup.ts";

/** Characters of a block, after which the next line begins another one. */
const BLOCK = 4_000;
/** Pixels that count as being at the end. */
const NEAR = 8;

/**
 * A job's output as it grows: only what is new is added, and the view follows it as long as its
 * reader is at the end. It is in blocks of whole lines, of which only the last is laid out anew.
 */
export class OutputLog {
  readonly #element: HTMLElement;
  #shown = "";
  /** The last block, and how much is in it; null where the next text begins one. */
  #block: HTMLElement | null = null;
  #size = 0;

  constructor(element: HTMLElement) {
    this.#element = element;
    element.hidden = true;
  }

  show(output: string): void {
    if (output === this.#shown) return;
    const log = this.#element;
    log.hidden = output === "";
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
    if (output.startsWith(this.#shown)) {
      this.#append(output.slice(this.#shown.length));
    } else {
      log.replaceChildren();
      this.#block = null;
      this.#append(output);
    }
    this.#shown = output;
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  #append(text: string): void {
    for (let from = 0; from < text.length; ) {
      if (!this.#block) {
        this.#block = element("span", { class: "block" });
        this.#element.append(this.#block);
        this.#size = 0;
      }
      const line = text.indexOf("\n", from + Math.max(0, BLOCK - this.#size));
      const end = line === -1 ? text.length : line + 1;
      const last = this.#block.lastChild;
      if (last instanceof Text) last.appendData(text.slice(from, end));
      else this.#block.append(text.slice(from, end));
      this.#size += end - from;
      if (line !== -1) this.#block = null;
      from = end;
    }
  }
}
