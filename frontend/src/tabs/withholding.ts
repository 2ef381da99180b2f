/** Keeps back what another tab's connection brings until the server lets this tab have it. */

import { isPlace } from "../cursors.ts";
import type { EventPage, JobEvent } from "../wire.ts";
import type { Item } from "./messages.ts";

interface Withholding {
  /** Where the follower stands. */
  readonly cursor: string | null | undefined;
  /** What the server gives this tab after a cursor. Rejects where it gives nothing. */
  readonly read: (cursor: string) => Promise<EventPage>;
  readonly deliver: (item: Item) => void;
  /** It gives nothing, or that cannot be known. */
  readonly refuse: () => void;
  /** Where the other tab is, there is no getting from the follower's cursor. */
  readonly restart: () => void;
}

/** Pages that are read at most to catch up: what the log holds by default is in two. */
const PAGES = 10;

/**
 * Returns what takes the items. Each is delivered in its turn once the server has given this tab what
 * comes after the first cursor. Where the follower stands elsewhere it catches up from its own, or
 * waits until the other tab has: it is told each event once, as long as the log has them.
 */
export function withhold({ cursor, read, deliver, refuse, restart }: Withholding): (item: Item) => void {
  let held: Item[] | null = [];
  let asking = false;
  /** Cursors of what the other tab has yet to hear, and the follower was told before. */
  const told = new Set<string | null | undefined>();

  const pass = (item: Item) => {
    const { event, cursor, end } = item;
    const again = event ? told.has(cursor) && !isState(event) : told.size > 0 && !end;
    if (again) return;
    // They come in order, if not all: of a job's progress a slow reader is told the newest.
    if (event) told.clear();
    deliver(item);
  };

  const ask = async (shown: string) => {
    const page = await read(shown);
    const items = held ?? [];
    const place = items.findIndex((item) => item.cursor === shown);
    const state = items.slice(0, place + 1);
    // A state, or only a position: it does not go on from the follower's cursor.
    const jumps = state.every(({ event }) => !event || isState(event));
    if (jumps && isPlace(cursor) && cursor !== shown) {
      const before = await between(page, cursor, read);
      const missed = before ? [] : await between(await read(cursor), shown, read);
      for (const { cursor } of before ?? []) told.add(cursor);
      if (missed) items.splice(0, state.length, ...missed);
      else if (!state.some(({ event }) => event)) return restart();
    }
    held = null;
    items.forEach(pass);
  };

  return (item) => {
    if (item.end === "failed") return refuse();
    if (!held) return pass(item);
    held.push(item);
    const shown = item.cursor ?? (item.end && cursor);
    if (asking || (!shown && !item.end)) return;
    asking = true;
    if (shown) ask(shown).catch(refuse);
    else refuse();
  };
}

const isState = ({ type }: JobEvent) => type === "job.snapshot";

/** The events from a page on up to a cursor; null where the server does not have them all. */
async function between(first: EventPage, to: string, read: Withholding["read"]): Promise<Item[] | null> {
  const items: Item[] = [];
  let page = first;
  for (let pages = 1; page.recovered; pages++) {
    const place = page.events.findIndex(({ cursor }) => cursor === to);
    items.push(...(place < 0 ? page.events : page.events.slice(0, place + 1)));
    if (place >= 0 || page.cursor === to) return items;
    if (!page.more || !page.cursor) break;
    if (pages === PAGES) throw new Error("there is too much to catch up with");
    page = await read(page.cursor);
  }
  return null;
}
