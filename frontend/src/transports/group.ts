import { joinCursors, splitCursors } from "../cursors.ts";
import type { JobEvent } from "../wire.ts";
import type { Follow } from "./follow.ts";

/** Characters of a URL that every proxy takes: nginx refuses a request line over 8 KiB. */
const LONGEST = 7_000;
/** What is added for each channel beside its name and token: parameters' names, and a cursor. */
const OVERHEAD = 80;

/** The channels that one request carries. */
export class Group {
  readonly follows: readonly Follow[];
  /** Those that open them, each once; none where the session does. */
  readonly tokens: readonly string[];

  constructor(follows: readonly Follow[]) {
    this.follows = follows;
    this.tokens = [...new Set(follows.flatMap(({ credential }) => credential?.token ?? []))];
  }

  get over(): boolean {
    return this.follows.every(({ over }) => over);
  }

  /** Whether it asks for channels that no one follows any more. */
  get stale(): boolean {
    return this.follows.some(({ over }) => over);
  }

  /** Whether it carries a channel, by the token that opens it now. */
  carries(follow: Follow): boolean {
    const token = follow.credential?.token;
    return this.follows.includes(follow) && (token === undefined || this.tokens.includes(token));
  }

  /** Where its events are; several tokens go into the URL, one does not. */
  url(base: string): string {
    const channels = this.follows.map(({ channel }) => channel);
    const [first = "", second] = channels;
    const alone = !second && first.startsWith("job:");
    const cursor = joinCursors(this.follows.map(({ cursor }) => cursor));
    const query = new URLSearchParams(alone ? [] : channels.map((channel) => ["channel", channel]));
    if (cursor) query.set("cursor", cursor);
    if (this.tokens.length > 1) for (const token of this.tokens) query.append("token", token);
    return `${base}${alone ? `/${encodeURIComponent(first.slice(4))}` : ""}/events?${query}`;
  }

  /** Tell whom it concerns of an event, and where each channel stands after it. */
  event(event: JobEvent, id: string | null): void {
    const place = this.follows.findIndex(({ channel }) => channel === event.channel);
    this.follows[place]?.event(event, this.#split(id)[place] ?? null);
    this.moved(id);
  }

  /** Tell each where it stands. */
  moved(id: string | null): void {
    for (const [place, cursor] of this.#split(id).entries()) this.follows[place]?.moved(cursor);
  }

  #split(id: string | null): readonly (string | null)[] {
    return (id && splitCursors(id, this.follows.length)) || [];
  }
}

/** As few requests as carry them all: those by token apart from those by session. */
export function grouped(follows: Iterable<Follow>): Group[] {
  const groups: Follow[][] = [];
  for (const byToken of [true, false]) {
    const tokens = new Set<string>();
    let group: Follow[] = [];
    let left = 0;
    for (const follow of follows) {
      const token = follow.credential?.token ?? "";
      if (!token === byToken) continue;
      left -= follow.channel.length + OVERHEAD + (tokens.has(token) ? 0 : token.length);
      if (left < 0) {
        group = [];
        groups.push(group);
        tokens.clear();
        left = LONGEST - token.length;
      }
      group.push(follow);
      tokens.add(token);
    }
  }
  return groups.map((group) => new Group(group));
}
