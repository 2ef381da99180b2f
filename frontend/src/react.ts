/** A job in React. */

import { useMemo, useSyncExternalStore } from "react";
import type { Jobs } from "./client.ts";
import { clientFor } from "./clients.ts";
import type { PushjobsError } from "./errors.ts";
import { type JobState, reduce, snapshotOf, unknownJob } from "./job.ts";
import type { TokenSource } from "./source.ts";
import type { JobDocument } from "./wire.ts";

export interface UseJobOptions {
  /** The client to follow with; without it, the page's own of the API at `/jobs`. */
  readonly jobs?: Jobs | undefined;
  /** Opens the job; without it a document's own counts, else the client's, else the session. */
  readonly token?: TokenSource | undefined;
}

/** A job as it stands, and why it cannot be followed, if it cannot. */
export interface FollowedJob extends JobState {
  readonly failure: PushjobsError | null;
}

/**
 * Follow a job as long as the component is there. Of `null`, and of a job of which nothing is known
 * yet, the `status` is null.
 *
 * A job is another one where its id, the client, or a token that is text is another one: a document
 * or a function may be made anew at each render.
 */
export function useJob(job: string | JobDocument | null, options: UseJobOptions = {}): FollowedJob {
  const { jobs, token } = options;
  const id = job === null ? null : typeof job === "string" ? job.replace(/^job:/, "") : job.id;
  const text = typeof token === "string" ? token : undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above.
  const { subscribe, get } = useMemo(() => followed(job, id, options), [id, jobs, text]);
  return useSyncExternalStore(subscribe, get, get);
}

/** The store of one job, which is followed while someone has subscribed to it. */
function followed(job: string | JobDocument | null, id: string | null, { jobs, token }: UseJobOptions) {
  const document = typeof job === "object" ? job : null;
  const state = document ? reduce(undefined, snapshotOf(document)) : unknownJob(id ?? "");
  let value: FollowedJob = { ...state, failure: null };
  let start = document ?? (`job:${id}` as const);
  return {
    get: () => value,
    subscribe(changed: () => void): () => void {
      if (id === null || value.over) return () => {};
      const subscription = (jobs ?? clientFor()).subscribe(start, { token: token ?? document?.token });
      const set = (next: FollowedJob) => {
        value = next;
        changed();
      };
      subscription.on("*", () => {
        // More is known by now than what the job was given as: let no later subscription begin there.
        start = `job:${id}`;
        set({ ...subscription.state.get(), failure: null });
      });
      subscription.done.catch((failure) => set({ ...value, failure }));
      return () => subscription.close();
    },
  };
}
