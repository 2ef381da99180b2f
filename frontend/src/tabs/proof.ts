/**
 * May this tab see what another tab's connection brings? Two tabs of one browser may be of two
 * users: one logs out or in, while the connection that the other opened goes on. The server knows
 * whose a cursor is: it refuses that of another user's channel, and answers no one who is logged out.
 */

import type { Environment } from "../environment.ts";
import type { TokenSource } from "../source.ts";
import type { Channel } from "../wire.ts";

/** Whether the server would give this tab, by its own right, what follows the cursor. */
export type Prove = (channel: Channel, token: TokenSource | undefined, cursor: string) => Promise<boolean>;

const PATIENCE = 10_000;

/** Asks the API at `url` for a page of events; `token` is the client's own, for channels without one. */
export function prover(
  url: string,
  { fetch }: Pick<Environment, "fetch">,
  token?: TokenSource,
  credentials: RequestCredentials = "same-origin",
): Prove {
  return async (channel, own = token, cursor) => {
    try {
      const shown = typeof own === "function" ? await own() : own;
      const headers = {
        Accept: "application/json",
        ...(shown && { "X-Job-Authorization": `Bearer ${shown}` }),
      };
      const signal = AbortSignal.timeout(PATIENCE);
      const page = `${url}/events?${new URLSearchParams({ channel, cursor })}`;
      const answer = await fetch(page, { headers, credentials, signal });
      await answer.arrayBuffer(); // To the end: else it looks like a failure to who inspects it.
      return answer.ok;
    } catch {
      return false;
    }
  };
}
