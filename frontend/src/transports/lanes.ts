import { Watch } from "../watch.ts";
import { failureOf } from "./failure.ts";
import { type Group, grouped } from "./group.ts";
import type { Host, Link } from "./transport.ts";

/** One request at a time for the channels of a group. */
export class Lane {
  readonly group: Group;
  readonly watch: Watch;
  /** Whether the request under way is one that the server holds until there is something. */
  held = false;
  readonly #environment: Host["environment"];
  readonly #abort = new AbortController();
  #cancel: (() => void) | undefined;

  constructor(host: Host, group: Group) {
    this.group = group;
    this.#environment = host.environment;
    this.watch = new Watch(host.environment, () => host.down({ silent: true, unfit: this.held }));
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Do something later; one thing at a time, and nothing once it is closed. */
  later(milliseconds: number, run: () => void): void {
    this.#cancel?.();
    this.#cancel = this.#environment.after(milliseconds, run);
  }

  close(): void {
    this.#abort.abort();
    this.watch.stop();
    this.#cancel?.();
  }
}

/**
 * Carries channels over HTTP, in as few requests as can be: opens them anew when a channel comes,
 * or another token, so that each goes on from where its channels are.
 */
export class Lanes implements Link {
  readonly #host: Host;
  readonly #run: (host: Host, lane: Lane) => Promise<void>;
  #lanes: Lane[] = [];
  #cancel: (() => void) | undefined;
  #turn = 0;

  /** @param run Returns when its group is over, or not as it was; throws when it cannot go on. */
  constructor(host: Host, run: (host: Host, lane: Lane) => Promise<void>) {
    this.#host = host;
    this.#run = run;
    this.changed();
  }

  changed(): void {
    // What changes in one go makes one request.
    this.#cancel ??= this.#host.environment.after(0, () => {
      this.#cancel = undefined;
      void this.#open();
    });
  }

  check(): void {
    for (const { watch } of this.#lanes) watch.check();
  }

  close(): void {
    this.#turn++;
    this.#cancel?.();
    for (const lane of this.#lanes) lane.close();
    this.#lanes = [];
  }

  async #open(): Promise<void> {
    const follows = [...this.#host.follows.values()];
    for (const lane of this.#lanes) if (lane.group.over) lane.close();
    const open = this.#lanes.filter(({ signal }) => !signal.aborted);
    if (follows.every((follow) => open.some(({ group }) => group.carries(follow)))) return;
    this.close();
    const turn = this.#turn;
    try {
      await Promise.all(follows.map((follow) => follow.authorise()));
    } catch (cause) {
      if (turn === this.#turn) this.#host.down(failureOf(cause));
    }
    if (turn !== this.#turn) return;
    this.#lanes = grouped(follows.filter(({ over }) => !over)).map((group) => new Lane(this.#host, group));
    for (const lane of this.#lanes) void this.#serve(lane);
  }

  async #serve(lane: Lane): Promise<void> {
    const { signal } = lane;
    try {
      await this.#run(this.#host, lane);
      if (signal.aborted) return;
      lane.close();
      this.changed();
    } catch (cause) {
      if (!signal.aborted) this.#host.down(failureOf(cause));
    }
  }
}
