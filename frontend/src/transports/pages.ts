/** Pages of events: held by the server until there is one (long-polling), or asked for at times. */

import { type Lane, Lanes } from "./lanes.ts";
import { findEnded, readPage } from "./requests.ts";
import type { Host, Link } from "./transport.ts";

/** Seconds that the server is to hold a page that is empty. */
const WAIT = 25;
/** Milliseconds for an answer, beside those. */
const SLACK = 15_000;
/** Milliseconds between two pages: while there are events, and at most. */
const BUSY = 1_000;
const QUIET = 8_000;
/** Between two that were held: what comes in quick succession makes one page. */
const GATHER = 100;

export function openLongPolls(host: Host): Link {
  return new Lanes(host, (_, lane) => read(host, lane, true));
}

export function openPolls(host: Host): Link {
  return new Lanes(host, (_, lane) => read(host, lane, false));
}

async function read(host: Host, lane: Lane, long: boolean): Promise<void> {
  const { group, signal, watch } = lane;
  const { now } = host.environment;
  let pause = BUSY;
  // The cursor of a channel that was let go stands still: its events would come with each page.
  while (!group.stale) {
    const asked = now();
    watch.expect((lane.held ? WAIT * 1_000 : 0) + SLACK);
    const page = await readPage(host, group, signal, lane.held ? WAIT : undefined);
    watch.stop();
    if (page === null || group.over) return;
    const quiet = page.events.length === 0;
    if (page.more && !quiet) continue;
    if (quiet) await findEnded(host, group, signal);
    // One that was to be held, and was not, would make a busy loop.
    const patient = lane.held && !(quiet && now() - asked < BUSY);
    pause = quiet && !patient ? Math.min(QUIET, pause * 2) : BUSY;
    // The first page is not held: that all goes well is to be seen at once.
    const wait = patient || (long && !lane.held) ? GATHER : pause;
    lane.held = long;
    await new Promise<void>((done) => lane.later(wait, done));
  }
}
