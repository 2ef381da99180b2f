/** Requests to the JSON API: with the client's credentials, repeated where that helps. */

import { backoff, pause, retryAfter } from "./backoff.ts";
import type { Environment } from "./environment.ts";
import type { PushjobsError } from "./errors.ts";
import { monitorOf } from "./monitor.ts";
import { noAnswer, problem, refusal } from "./problems.ts";
import type { TokenSource } from "./source.ts";

export interface ApiOptions {
  /** Where the API is: `/jobs`, or at another origin `https://api.example.org/jobs`. */
  readonly url: string;
  readonly token?: TokenSource | undefined;
  readonly credentials?: RequestCredentials | undefined;
  /** More headers, asked for at each request: a CSRF token that is kept elsewhere, a tenant… */
  readonly headers?: (() => Readonly<Record<string, string>>) | undefined;
  readonly environment: Environment;
}

export interface Call {
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes it a POST. */
  readonly body?: string | FormData;
  /** In place of the client's own. */
  readonly token?: TokenSource | undefined;
  readonly signal?: AbortSignal | null | undefined;
  /** To do it twice could do harm: it is not repeated. */
  readonly once?: boolean;
  /** What is asked for is a job's response, which may itself have an error's status. */
  readonly any?: boolean;
  readonly redirect?: RequestRedirect;
  /** The header for the token; a redirect to another origin takes all along but `Authorization`. */
  readonly header?: "Authorization" | "X-Job-Authorization";
}

type Shown = string | Promise<string> | undefined;

const TRIES = 4;
/** Who is asked to come again later than this, in milliseconds, is told so at once. */
const LONGEST_WAIT = 60_000;
/** Problems by which the API refuses; any other one is a job's. */
const REFUSAL =
  /^urn:pushjobs:problem:(unauthorized|forbidden|not-found|gone|internal-error|server-busy|limit-exceeded|too-many-requests|\w+-unavailable)$/;
/** What stands between the client and the server may answer so; a job's own response may as well. */
export const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const CSRF_COOKIE = /(?:^|; )(?:__(?:Host|Secure)-)?csrftoken=([^;]*)/;

export class Api {
  readonly #options: ApiOptions;
  readonly #tokens = new WeakMap<object, Promise<string>>();

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  get url(): string {
    return this.#options.url;
  }

  /** The answer, if it is no refusal. Rejects with a `PushjobsError`, or with the signal's reason. */
  async call(path: string, call: Call = {}): Promise<Response> {
    const { token = this.#options.token, signal, once, any } = call;
    const { environment } = this.#options;
    let refused: Shown;
    for (let tries = 1; ; tries++) {
      signal?.throwIfAborted();
      const shown = this.#shown(token, refused);
      const bearer = await shown;
      let error: PushjobsError;
      let wait: number | null = null;
      try {
        const response = await this.#send(path, call, bearer);
        if (response.ok) return response;
        error = await refusal(response.clone());
        const own = any && !REFUSAL.test(error.problem.type);
        if (own && (tries === TRIES || !PASSING.has(response.status))) return response;
        wait = retryAfter(response.headers, environment.now());
      } catch (cause) {
        signal?.throwIfAborted();
        error = noAnswer(cause);
      }
      const { status } = error;
      if (status === 401 && typeof token === "function" && refused === undefined) {
        refused = shown;
        continue;
      }
      wait ??= backoff(tries, environment.random);
      const passing = !status || status === 429 || status >= 500;
      if (once || !passing || tries === TRIES || wait > LONGEST_WAIT) throw error;
      await pause(environment.after, wait, signal);
    }
  }

  /**
   * The response that a job ends with, once it has; whatever its status. A redirect is followed, and
   * its target gets no token. Rejects as `call` does where the API refuses.
   */
  async response(id: string, { token, signal }: Pick<Call, "token" | "signal">): Promise<Response> {
    const { after, now, random } = this.#options.environment;
    const path = `/${id}/response`;
    const call = { token, signal, any: true, headers: { Prefer: "wait=20" } };
    for (;;) {
      let response = await this.call(path, { ...call, redirect: "manual" });
      if (response.type === "opaqueredirect")
        response = await this.call(path, { ...call, header: "Authorization" });
      if (!monitorOf(response)) return response;
      // One that was held may be asked for again at once.
      const { headers } = response;
      if (headers.has("Preference-Applied")) continue;
      await pause(after, retryAfter(headers, now()) ?? backoff(1, random), signal);
    }
  }

  async #send(
    path: string,
    { headers, body, signal, redirect = "follow", header = "X-Job-Authorization" }: Call,
    token: string | undefined,
  ): Promise<Response> {
    const { url, credentials = "same-origin", environment, headers: more } = this.#options;
    const csrf = body !== undefined && csrfToken(url);
    return environment.fetch(url + path, {
      credentials,
      redirect,
      headers: {
        Accept: "application/json",
        ...(typeof body === "string" && { "Content-Type": "application/json" }),
        ...(csrf && { "X-CSRFToken": csrf }),
        ...(token !== undefined && { [header]: `Bearer ${token}` }),
        ...more?.(),
        ...headers,
      },
      ...(signal && { signal }),
      // A small one may outlive its page.
      ...(body !== undefined && { method: "POST", body, keepalive: body === "" }),
    });
  }

  /** The token to show: that of the last time, until it is `refused`. */
  #shown(source: TokenSource | undefined, refused: Shown): Shown {
    if (typeof source !== "function") return source;
    let asked = this.#tokens.get(source);
    if (asked === undefined || asked === refused) {
      asked = (async () => source())();
      this.#tokens.set(source, asked);
      asked.catch(() => this.#tokens.delete(source));
    }
    return asked;
  }
}

/** An answer's JSON; rejects with a `PushjobsError` where it is none, as a portal's login page is not. */
export async function json<T>(answer: Promise<Response>): Promise<T> {
  const response = await answer;
  try {
    const body: T = await response.json();
    return body;
  } catch (cause) {
    throw problem("bad-answer", "The server's answer is not JSON", response.status, cause);
  }
}

/** Django's, for a page of the API's own origin. */
function csrfToken(url: string): string | undefined {
  const { document, location } = globalThis as Partial<typeof globalThis>;
  if (!document || !location || new URL(url, document.baseURI).origin !== location.origin) return undefined;
  try {
    return CSRF_COOKIE.exec(document.cookie)?.[1];
  } catch {
    return undefined; // A sandboxed frame has no cookies.
  }
}
