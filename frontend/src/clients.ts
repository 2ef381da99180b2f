/** The clients that the parts of a page share: one for each API. */

import { connect, type Jobs } from "./client.ts";

const clients = new Map<string, Jobs>();

/** The client of the API at `url`, made when it is first asked for, and anew once it was closed. */
export function clientFor(url = "/jobs"): Jobs {
  const { document, location: here } = globalThis as Partial<typeof globalThis>;
  const { href, origin, pathname } = new URL(url, document?.baseURI);
  // As `connect` would be told it: one name for one API, whoever asks.
  const base = origin === here?.origin ? pathname : href;
  let client = clients.get(base);
  if (!client || client.connection.get().status === "closed") {
    client = connect({ url: base });
    clients.set(base, client);
  }
  return client;
}
