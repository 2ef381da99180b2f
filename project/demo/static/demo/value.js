/** A value that can be watched, as the client's own stores: `subscribe` tells the value now as well. */
export class Value {
  #value;
  #runs = new Set();

  constructor(value) {
    this.#value = value;
  }

  get() {
    return this.#value;
  }

  set(value) {
    this.#value = value;
    for (const run of [...this.#runs]) run(value);
  }

  subscribe(run) {
    this.#runs.add(run);
    run(this.#value);
    return () => void this.#runs.delete(run);
  }
}
