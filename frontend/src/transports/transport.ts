/** What the transports have in common: each carries channels, until it goes down or is closed. */

import type { Environment } from "../environment.ts";
import type { Channel } from "../wire.ts";
import type { Failure } from "./failure.ts";
import type { Follow } from "./follow.ts";

/** Milliseconds until the first byte, or the answer to a question, has to be there. */
export const PATIENCE = 5_000;

/** What a transport is given of the connection, and what it tells it. */
export interface Host {
  readonly environment: Environment;
  /** Where the API is. */
  readonly url: string;
  /** Whether requests to another origin carry cookies. */
  readonly credentials?: RequestCredentials | undefined;
  /** The channels to carry now. */
  readonly follows: ReadonlyMap<Channel, Follow>;
  /** Something came. */
  heard(): void;
  /** The round trip took so many milliseconds. */
  latency(milliseconds: number): void;
  /** It is over with this transport. */
  down(failure: Failure): void;
}

/** A transport in use. */
export interface Link {
  /** `host.follows`, or the token of one of them, has changed. */
  changed(): void;
  /** The machine may have slept, or the network has changed: see whether it is still there. */
  check(): void;
  /** Leave nothing behind, and say nothing more. */
  close(): void;
}

export type OpenLink = (host: Host) => Link;
