import { post } from "./server.js";

/** The button that pauses the worker; it counts down to when the worker goes on by itself. */
export class WorkerSwitch {
  #button;
  #url;
  #say;
  #label;
  #ends = null;
  #timer;

  /** `say` is told, as text, what became of the worker. */
  constructor(button, say) {
    this.#button = button;
    this.#url = button.dataset.worker;
    this.#say = say;
    this.#label = button.textContent;
    button.addEventListener("click", () => this.#toggle());
    document.addEventListener("visibilitychange", () => document.hidden || this.#ask()); // Another tab's pause.
    this.#ask();
  }

  async #ask() {
    const response = await fetch(this.#url).catch(() => null);
    if (response?.ok) this.#show(await response.json());
  }

  async #toggle() {
    const paused = this.#ends === null;
    try {
      const response = await post(this.#url, { paused: paused ? "1" : "0" });
      this.#show(await response.json());
      this.#say(paused ? "the worker is paused" : "the worker goes on");
    } catch (error) {
      this.#say(`the worker does not hear: ${error.message}`);
    }
  }

  #show({ here, left }) {
    this.#button.hidden = !here;
    this.#ends = left === null ? null : Date.now() + 1000 * left;
    clearInterval(this.#timer);
    if (this.#ends !== null) this.#timer = setInterval(() => this.#tick(), 1000);
    this.#draw();
  }

  #tick() {
    if (Date.now() < this.#ends) return this.#draw();
    clearInterval(this.#timer);
    this.#ask();
  }

  #draw() {
    const seconds = Math.ceil((this.#ends - Date.now()) / 1000);
    this.#button.setAttribute("aria-pressed", String(this.#ends !== null));
    this.#button.textContent =
      this.#ends === null ? this.#label : `Resume the worker (${Math.max(0, seconds)} s)`;
  }
}
