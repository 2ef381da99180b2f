/** Functions that hear each value, as those of an `EventTarget` do: what one throws stops no other. */
export class Listeners<T> {
  readonly #listeners = new Set<{ hear: (value: T) => void }>();

  /** The same function may listen twice. Returns how to stop. */
  add(hear: (value: T) => void): () => void {
    const listener = { hear };
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(value: T): void {
    for (const listener of [...this.#listeners]) {
      if (!this.#listeners.has(listener)) continue;
      try {
        listener.hear(value);
      } catch (error) {
        // The page's own error: told as if no one had called it from here.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
