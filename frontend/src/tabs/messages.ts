/** What the tabs that share a connection say to each other. */

import type { ConnectionState } from "../source.ts";
import type { Channel, JobEvent, Problem } from "../wire.ts";

/** A connection's state as it can be sent: an error does not survive the way. */
export type SentState = Omit<ConnectionState, "error" | "shared"> & { readonly problem: Problem | null };

/**
 * What a follower is told of a channel: an event, or a position, or its end. `ended`: the job is
 * over; `failed`: the one who leads cannot follow it.
 */
export interface Item {
  readonly event?: JobEvent;
  readonly cursor?: string | null;
  readonly end?: "ended" | "failed";
}

/** To all tabs. */
export type Call =
  /** Who leads? */
  | { readonly type: "hello"; readonly from: string }
  /** I do; also in answer to `hello`, and whenever the connection's state changes. */
  | {
      readonly type: "lead";
      readonly from: string;
      readonly state: SentState;
      /** Whether the tab is seen: the timers of others run late. */
      readonly visible: boolean;
    }
  /** I lead no more. */
  | { readonly type: "gone"; readonly from: string };

/** To the tab that leads. `key` is the follower's, and new each time that it follows. */
export type Request =
  | {
      readonly type: "follow";
      readonly from: string;
      readonly key: number;
      readonly channel: Channel;
      readonly cursor: string | null | undefined;
      /** True: ask for it each time. */
      readonly token: string | true | undefined;
      /** The jobs as they are known at the cursor. */
      readonly known: readonly JobEvent<"job.snapshot">[] | undefined;
    }
  | { readonly type: "unfollow"; readonly from: string; readonly key: number }
  /** In answer to `ask`; without a token where there is none. */
  | {
      readonly type: "token";
      readonly from: string;
      readonly key: number;
      readonly token: string | undefined;
    };

/** To a tab that follows. */
export type Answer =
  | { readonly type: "tell"; readonly from: string; readonly items: readonly (readonly [number, Item])[] }
  | { readonly type: "ask"; readonly from: string; readonly key: number };

export type Message = Call | Request | Answer;

/** The part of a `BroadcastChannel` that is used. */
export interface Post {
  onmessage: ((event: MessageEvent<Message>) => void) | null;
  postMessage(message: Message): void;
  close(): void;
}

/** Opens the post of this name: all that is posted there by others is heard, in order. */
export type OpenPost = (name: string) => Post;
