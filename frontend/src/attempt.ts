import type { Environment } from "./environment.ts";
import type { Transport } from "./source.ts";
import { type Failure, failureOf } from "./transports/failure.ts";
import type { Follow } from "./transports/follow.ts";
import { openLink } from "./transports/open.ts";
import type { Host, Link } from "./transports/transport.ts";
import type { Channel } from "./wire.ts";

/** Who uses transports: is told of an attempt until it has ended. */
export interface Owner {
  readonly environment: Environment;
  /** The base of the API. */
  readonly url: string;
  /** Whether requests to another origin carry cookies. */
  readonly credentials?: RequestCredentials | undefined;
  heard(attempt: Attempt): void;
  latency(milliseconds: number): void;
  down(attempt: Attempt, failure: Failure): void;
}

/** A transport that is in use, or being tried, and what it has shown. */
export class Attempt {
  readonly transport: Transport;
  /** The channels that it carries; others once it is more than a trial. */
  follows: ReadonlyMap<Channel, Follow>;
  /** When something was heard first, in milliseconds since the epoch. */
  heardAt: number | undefined;
  #link: Link | undefined;
  #over = false;

  constructor(transport: Transport, follows: ReadonlyMap<Channel, Follow>, owner: Owner) {
    const { environment, url, credentials } = owner;
    this.transport = transport;
    this.follows = follows;
    const attempt = this;
    const host: Host = {
      environment,
      url,
      credentials,
      get follows() {
        return attempt.follows;
      },
      heard: () => this.#over || owner.heard(this),
      latency: (milliseconds) => this.#over || owner.latency(milliseconds),
      down: (failure) => this.#over || owner.down(this, failure),
    };
    try {
      this.#link = openLink(transport, host);
    } catch (cause) {
      // As if it had failed a moment later.
      queueMicrotask(() => host.down(failureOf(cause)));
    }
  }

  /** The channels, or their tokens, are others. */
  changed(): void {
    this.#link?.changed();
  }

  /** See whether it is still there. */
  check(): void {
    this.#link?.check();
  }

  end(): void {
    this.#over = true;
    this.#link?.close();
  }
}
