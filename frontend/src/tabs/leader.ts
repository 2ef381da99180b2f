/** Serves the other tabs from the connection of this one. */

import { isPlace } from "../cursors.ts";
import type { Source } from "../source.ts";
import type { Channel } from "../wire.ts";
import { hold, type Locks } from "./locks.ts";
import type { Answer, Call, Item, OpenPost, Post, Request, SentState } from "./messages.ts";

interface Followed {
  readonly channel: Channel;
  stop: () => void;
  /** Who waits for a token, the longest first. */
  readonly asked: ((token: string | undefined) => void)[];
}

interface Tab {
  readonly inbox: Post;
  readonly follows: Map<number, Followed>;
  /** What is yet to be sent. */
  items: [number, Item][];
  readonly forget: () => void;
}

export interface Leader {
  hear(message: Extract<Call, { type: "hello" }> | Request): void;
  /** Whether another tab follows this channel. */
  serves(channel: Channel): boolean;
  end(): void;
}

interface Leading {
  readonly id: string;
  readonly name: string;
  /** Lets many follow the same channel. */
  readonly source: Source;
  readonly locks: Locks;
  readonly post: OpenPost;
  readonly all: Post;
  readonly visible: () => boolean;
}

export function lead({ id, name, source, locks, post, all, visible }: Leading): Leader {
  const tabs = new Map<string, Tab>();

  const claim = (): Call => {
    const { status, transport, retryAt, latency, error } = source.state.get();
    const state: SentState = { status, transport, retryAt, latency, problem: error?.problem ?? null };
    return { type: "lead", from: id, state, visible: visible() };
  };

  // No timer: a browser delays those of a tab that is not seen, by up to a minute.
  const { port1, port2 } = new MessageChannel();
  let due = false;
  port1.onmessage = () => {
    due = false;
    for (const { inbox, items } of tabs.values()) {
      if (items.length > 0) inbox.postMessage({ type: "tell", from: id, items: items.splice(0) });
    }
  };
  const tell = (tab: Tab, key: number, item: Item) => {
    tab.items.push([key, item]);
    if (!due) port2.postMessage(null);
    due = true;
  };

  const part = (from: string) => {
    const tab = tabs.get(from);
    tabs.delete(from);
    tab?.forget();
    for (const key of tab?.follows.keys() ?? []) unfollow(tab, key);
    tab?.inbox.close();
  };

  const meet = (from: string): Tab => {
    const known = tabs.get(from);
    if (known) return known;
    const tab: Tab = {
      inbox: post(`${name}:${from}`),
      follows: new Map(),
      items: [],
      // Each tab holds a lock of its own: it is free once the tab is gone.
      forget: hold(locks, `${name}:${from}`, { granted: () => part(from) }),
    };
    tabs.set(from, tab);
    return tab;
  };

  const unfollow = (tab: Tab | undefined, key: number) => {
    const followed = tab?.follows.get(key);
    tab?.follows.delete(key);
    followed?.stop();
    for (const answer of followed?.asked ?? []) answer(undefined);
  };

  const follow = (tab: Tab, { key, channel, cursor, token, known }: Extract<Request, { type: "follow" }>) => {
    const followed: Followed = { channel, stop: () => {}, asked: [] };
    tab.follows.set(key, followed);
    const ask = async () => {
      const answer = await new Promise<string | undefined>((resolve) => {
        followed.asked.push(resolve);
        const asking: Answer = { type: "ask", from: id, key };
        tab.inbox.postMessage(asking);
      });
      if (answer === undefined) throw new Error("the tab has no token");
      return answer;
    };
    const ends = (end: "ended" | "failed") => () => {
      tab.follows.delete(key);
      tell(tab, key, { end });
    };
    const stop = source.follow(
      channel,
      { token: token === true ? ask : token, cursor, known: () => known, catchesUp: isPlace(cursor) },
      {
        event: (event, cursor) => tell(tab, key, { event, cursor }),
        moved: (cursor) => tell(tab, key, { cursor }),
        ended: ends("ended"),
        failed: ends("failed"),
      },
    );
    followed.stop = stop;
  };

  const unwatch = source.state.subscribe(() => all.postMessage(claim()));

  return {
    hear(message) {
      const tab = meet(message.from);
      switch (message.type) {
        case "hello":
          return tab.inbox.postMessage(claim());
        case "follow":
          return follow(tab, message);
        case "unfollow":
          return unfollow(tab, message.key);
        case "token":
          return tab.follows.get(message.key)?.asked.shift()?.(message.token);
      }
    },
    serves: (channel) =>
      [...tabs.values()].some(({ follows }) => [...follows.values()].some((one) => one.channel === channel)),
    end() {
      unwatch();
      for (const from of tabs.keys()) part(from);
      port1.close();
      all.postMessage({ type: "gone", from: id });
    },
  };
}
