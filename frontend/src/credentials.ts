/** Tokens: kept fresh where there is a way to get others. */

import type { Environment } from "./environment.ts";
import type { TokenSource } from "./source.ts";

/** Another token is asked for this long before the one in use expires. */
const AHEAD = 30_000;
/** A browser's timers take no more milliseconds than 31 bits hold. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** When a JWT (RFC 7519) expires, in milliseconds since the epoch; null where it does not say. */
export function expiry(token: string): number | null {
  try {
    const payload = token.split(".")[1] ?? "";
    const claims: { exp?: unknown } = JSON.parse(atob(payload.replace(/-/g, "+").replace(/_/g, "/")));
    return typeof claims.exp === "number" ? claims.exp * 1_000 : null;
  } catch {
    return null;
  }
}

export class Credential {
  /** The token in use; undefined before the first. */
  token: string | undefined;
  readonly source: TokenSource;
  readonly #environment: Environment;
  readonly #renewed: () => void;
  #pending: Promise<string> | undefined;
  #cancel: (() => void) | undefined;
  #closed = false;

  /** @param renewed Called when another token has taken the place of one that is about to expire. */
  constructor(source: TokenSource, environment: Environment, renewed: () => void) {
    this.source = source;
    this.#environment = environment;
    this.#renewed = renewed;
  }

  /** The token; asks for one where there is none yet. Rejects as its source does. */
  async get(): Promise<string> {
    return this.token ?? this.#ask();
  }

  /** Another token than the `refused` one; null where there is no other. */
  async renew(refused: string | undefined): Promise<string | null> {
    const token = this.token === refused ? await this.#ask() : await this.get();
    return token === refused ? null : token;
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  #ask(): Promise<string> {
    this.#pending ??= this.#call().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #call(): Promise<string> {
    const source = this.source;
    const token = typeof source === "string" ? source : await source();
    this.token = token;
    if (token !== source) this.#schedule(expiry(token));
    return token;
  }

  #schedule(expires: number | null): void {
    this.#cancel?.();
    const left = (expires ?? 0) - this.#environment.now();
    // Where a clock is wrong it looks expired at once: then the server's 401 has to do.
    if (this.#closed || left <= 0) return;
    const wait = Math.min(Math.max(left - AHEAD, left / 2), LONGEST_TIMER);
    this.#cancel = this.#environment.after(wait, () => {
      // A failure is no matter yet: the server says when the token has expired.
      this.#ask().then(
        () => this.#closed || this.#renewed(),
        () => {},
      );
    });
  }
}

/** The credentials in use, one for each source. */
export class Keyring {
  readonly #environment: Environment;
  readonly #renewed: () => void;
  readonly #credentials = new Map<TokenSource, Credential>();

  constructor(environment: Environment, renewed: () => void) {
    this.#environment = environment;
    this.#renewed = renewed;
  }

  of(source: TokenSource | undefined): Credential | undefined {
    if (source === undefined) return undefined;
    const known = this.#credentials.get(source) ?? new Credential(source, this.#environment, this.#renewed);
    this.#credentials.set(source, known);
    return known;
  }

  /** No one uses it any more. */
  drop(credential: Credential | undefined): void {
    credential?.close();
    if (credential) this.#credentials.delete(credential.source);
  }
}
