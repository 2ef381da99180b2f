import type { Environment } from "./environment.ts";

/** Timers by name: each takes the place of the one before it. */
export class Timers<Name extends string> {
  readonly #after: Environment["after"];
  readonly #cancels = new Map<Name, () => void>();

  constructor({ after }: Environment) {
    this.#after = after;
  }

  set(name: Name, milliseconds: number, run: () => void): void {
    this.cancel(name);
    const cancel = this.#after(milliseconds, () => {
      this.#cancels.delete(name);
      run();
    });
    this.#cancels.set(name, cancel);
  }

  has(name: Name): boolean {
    return this.#cancels.has(name);
  }

  cancel(name: Name): void {
    this.#cancels.get(name)?.();
    this.#cancels.delete(name);
  }

  clear(): void {
    for (const name of [...this.#cancels.keys()]) this.cancel(name);
  }
}
