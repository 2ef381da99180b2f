/** What jobs said before a list was there: its channel tells only what comes, theirs tell all. */

import type { JobState } from "../job.ts";
import type { JobSubscription } from "../subscription.ts";

/** Jobs that are followed on their own besides, at most; a connection carries a hundred channels. */
const MOST = 40;

export class Replays {
  readonly #follow: (id: string) => JobSubscription;
  readonly #changed: () => void;
  /** By id; null where it cannot be followed. */
  readonly #followed = new Map<string, JobSubscription | null>();

  /** `follow` replays a job; `changed` is called when one is known better. */
  constructor(follow: (id: string) => JobSubscription, changed: () => void) {
    this.#follow = follow;
    this.#changed = changed;
  }

  /** The job with all of its output, as far as that is known; it is asked for where it is lacking. */
  of(state: JobState): JobState {
    const { id, over, outputComplete } = state;
    const lacks = state.status === "running" && !outputComplete;
    if (lacks && !this.#followed.has(id) && this.#followed.size < MOST) this.#add(id);
    const told = this.#followed.get(id)?.state.get();
    return told?.status && told.over >= over ? told : state;
  }

  close(): void {
    for (const subscription of this.#followed.values()) subscription?.close();
    this.#followed.clear();
  }

  #add(id: string): void {
    const subscription = this.#follow(id);
    this.#followed.set(id, subscription);
    subscription.on("*", this.#changed);
    subscription.done.catch(() => this.#followed.set(id, null));
  }
}
