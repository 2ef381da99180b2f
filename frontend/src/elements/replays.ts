/** What jobs said before a list was there: its channel tells only what comes, theirs tell all. */

import type { JobState } from "../job.ts";
import type { JobSubscription } from "../subscription.ts";

/** Jobs that are followed on their own besides, at most; a connection carries a hundred channels. */
const MOST = 40;

export class Replays {
  readonly #follow: (id: string) => JobSubscription;
  readonly #changed: () => void;
  /** By id; null where it cannot be followed. */
  #followed = new Map<string, JobSubscription | null>();

  /** `follow` replays a job; `changed` is called when one is known better. */
  constructor(follow: (id: string) => JobSubscription, changed: () => void) {
    this.#follow = follow;
    this.#changed = changed;
  }

  /** Ask for what the job has said so far, where that is lacking. */
  ask({ id, status, outputComplete }: JobState): void {
    const lacks = status === "running" && !outputComplete;
    if (lacks && !this.#followed.has(id) && this.#followed.size < MOST) void this.#replay(id, this.#followed);
  }

  /** The job with all of its output, as far as that is known. */
  of(state: JobState): JobState {
    const told = this.#followed.get(state.id)?.state.get();
    return told?.status && told.over >= state.over ? told : state;
  }

  close(): void {
    for (const subscription of this.#followed.values()) subscription?.close();
    this.#followed = new Map();
  }

  async #replay(id: string, followed: Map<string, JobSubscription | null>): Promise<void> {
    try {
      const subscription = this.#follow(id);
      followed.set(id, subscription);
      subscription.on("*", this.#changed);
      await subscription.done;
    } catch {
      followed.set(id, null); // It is refused, or the client is closed.
    }
  }
}
