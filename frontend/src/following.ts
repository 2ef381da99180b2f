/** All that it takes to follow channels, which a page loads when it follows the first. */

import { Channels } from "./channels.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { type ShareOptions, share } from "./share.ts";
import type { Source } from "./source.ts";

export type FollowingOptions = ConnectionOptions & Omit<ShareOptions, "open">;

/** One connection for all channels: of this page, or of all tabs where they may share it. */
export function openFollowing(options: FollowingOptions): Source {
  return new Channels(share({ ...options, open: () => new Connection(options) }));
}
