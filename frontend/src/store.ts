/** A value that can be read and watched: React's `useSyncExternalStore`, Svelte and Vue can. */

import { Listeners } from "./listeners.ts";

export interface Store<T> {
  /** The value now; the same object until it changes. */
  get(): T;
  /** Call `run` with the value now and at each change (Svelte's contract); returns how to stop. */
  subscribe(run: (value: T) => void): () => void;
}

/** A store, for who owns it. */
export class Value<T> implements Store<T> {
  #value: T;
  readonly #watchers = new Listeners<void>();

  constructor(value: T) {
    this.#value = value;
  }

  get(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    this.#watchers.tell();
  }

  subscribe(run: (value: T) => void): () => void {
    const stop = this.#watchers.add(() => run(this.#value));
    run(this.#value);
    return stop;
  }
}
