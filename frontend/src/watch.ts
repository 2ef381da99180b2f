import type { Environment } from "./environment.ts";

/** Notices when nothing has been heard for too long, on a machine that slept as well. */
export class Watch {
  readonly #environment: Environment;
  readonly #silent: () => void;
  #limit = 0;
  #since = 0;
  #cancel: (() => void) | undefined;

  /** @param silent Called once, when it has been silent for too long. */
  constructor(environment: Environment, silent: () => void) {
    this.#environment = environment;
    this.#silent = silent;
  }

  /** From now on something is to be heard every so many milliseconds. */
  expect(milliseconds: number): void {
    this.heard();
    if (this.#cancel && this.#limit === milliseconds) return;
    this.#limit = milliseconds;
    this.check();
  }

  /** Cheap enough for each event: the timer stays, and looks at the clock when it is due. */
  heard(): void {
    this.#since = this.#environment.now();
  }

  /** Look at the clock. */
  check(): void {
    this.stop();
    const left = this.#since + this.#limit - this.#environment.now();
    if (left <= 0) this.#silent();
    else this.#cancel = this.#environment.after(left, () => this.check());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
