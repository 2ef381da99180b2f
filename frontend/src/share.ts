/** The source of a client's events: the tabs' one connection where there can be one. */

import type { Environment } from "./environment.ts";
import { Sharing } from "./sharing.ts";
import type { Source, TokenSource } from "./source.ts";
import { type Naming, sharingName } from "./tabs/name.ts";
import { pageReader } from "./tabs/proof.ts";

export interface ShareOptions extends Naming {
  readonly token?: TokenSource | undefined;
  readonly credentials?: RequestCredentials | undefined;
  readonly environment: Environment;
  /** Opens a connection of this tab's own. */
  readonly open: () => Source;
}

/** Web Locks need a secure context (https, localhost); without them each tab has its own connection. */
export function share(options: ShareOptions): Source {
  const { document, navigator, BroadcastChannel } = globalThis as Partial<typeof globalThis>;
  const locks = navigator?.locks as LockManager | undefined;
  const name = sharingName(options, cookies(document));
  const { url, token, credentials, environment, open } = options;
  if (!document || !locks || !BroadcastChannel || name === null) return open();
  return new Sharing({
    name,
    locks,
    open,
    environment,
    post: (name) => new BroadcastChannel(name),
    read: pageReader(url, environment, token, credentials),
    page: globalThis,
  });
}

/** A frame in a sandbox may not even ask. */
function cookies(document: Document | undefined): string {
  try {
    return document?.cookie ?? "";
  } catch {
    return "";
  }
}
