/**
 * May this tab see what another tab's connection brings? Two tabs of one browser may be of two
 * users: one logs out or in, while the connection that the other opened goes on. The server knows
 * whose a cursor is: it refuses that of another user's channel, and answers no one who is logged out.
 */

import type { Environment } from "../environment.ts";
import { refusal } from "../problems.ts";
import type { TokenSource } from "../source.ts";
import type { Channel, EventPage } from "../wire.ts";

/** What the server gives this tab, by its own right, after the cursor. Rejects where it gives nothing. */
export type ReadPage = (
  channel: Channel,
  token: TokenSource | undefined,
  cursor: string,
) => Promise<EventPage>;

const PATIENCE = 10_000;

/** Asks the API at `url` for pages of events; `token` is the client's own, for channels without one. */
export function pageReader(
  url: string,
  { fetch }: Pick<Environment, "fetch">,
  token?: TokenSource,
  credentials: RequestCredentials = "same-origin",
): ReadPage {
  return async (channel, own = token, cursor) => {
    const shown = typeof own === "function" ? await own() : own;
    const headers = {
      Accept: "application/json",
      ...(shown && { "X-Job-Authorization": `Bearer ${shown}` }),
    };
    const signal = AbortSignal.timeout(PATIENCE);
    const query = new URLSearchParams({ channel, cursor });
    const answer = await fetch(`${url}/events?${query}`, { headers, credentials, signal });
    // Read to the end, whatever it is: else it looks like a failure to who inspects it.
    if (!answer.ok) throw await refusal(answer);
    const page: EventPage = await answer.json();
    return page;
  };
}
