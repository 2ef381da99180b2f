import { Following } from "./following.js";
import { Value } from "./value.js";

/**
 * What stands in for a client of the service, and can change its transports: another client takes
 * over then, with the cursor of each channel, and who follows one does not notice.
 */
export class Switchboard {
  /** How the connection of the present client is. */
  connection;
  /** The cursor that channels begin from, unless another one is said; a document has its own. */
  cursor = null;
  #open;
  #client;
  #unwatch;
  #followings = new Set();

  /** `open(transports)` makes a client; all transports, where it is told none. */
  constructor(open) {
    this.#open = open;
    this.#client = open();
    this.connection = new Value(this.#client.connection.get());
    this.#watch();
  }

  /** Use these transports alone, or all. */
  use(transports) {
    const left = this.#client;
    this.#unwatch();
    this.#client = this.#open(transports);
    for (const following of [...this.#followings]) following.move(this.#client);
    this.#watch();
    left.close();
  }

  subscribe(what, options = {}) {
    const start = typeof what === "string" ? { cursor: this.cursor, ...options } : options;
    const following = new Following(this.#client, what, start, () => this.#followings.delete(following));
    this.#followings.add(following);
    return following;
  }

  submit(...given) {
    return this.#client.submit(...given);
  }

  get(...given) {
    return this.#client.get(...given);
  }

  list(...given) {
    return this.#client.list(...given);
  }

  cancel(...given) {
    return this.#client.cancel(...given);
  }

  retry(...given) {
    return this.#client.retry(...given);
  }

  #watch() {
    this.#unwatch = this.#client.connection.subscribe((state) => this.connection.set(state));
  }
}
