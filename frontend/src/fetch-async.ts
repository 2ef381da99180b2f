/** `fetch` for what takes a while: the answer may be a job, and the response is what it ends with. */

import { PASSING } from "./api.ts";
import { backoff, pause, retryAfter } from "./backoff.ts";
import type { Jobs } from "./client.ts";
import { clientFor } from "./clients.ts";
import { browserEnvironment } from "./environment.ts";
import { monitorOf } from "./monitor.ts";
import type { JobDocument, Progress } from "./wire.ts";

export interface AsyncInit extends RequestInit {
  /** Milliseconds in which the response has to come; else it rejects with a `TimeoutError`. */
  readonly timeout?: number | undefined;
  /** Told how far the job is. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Whether an abort, or the timeout, cancels the job as well; else it goes on without its client. */
  readonly cancelOnAbort?: boolean | undefined;
  /** Follows the job; without it, the client that all calls to one API share. */
  readonly jobs?: Jobs | undefined;
}

/** Headers that were about the first request alone. */
const SPENT = /^(content-|if-|range$|prefer$|idempotency-key$)/;
const TRIES = 6;

/**
 * As `fetch`, and with `Prefer: respond-async` (RFC 7240). Where the server puts the request off
 * (202, and a `Link` to its job) the job is followed, and the promise resolves with the response that
 * it ends with, as if the server had answered with it at once. Any other response is given as it is.
 *
 * Rejects as `fetch` does: with a `TypeError` where the request cannot be sent, with the signal's
 * reason on an abort. Once the job is accepted a lost connection is made up for, as far as that goes.
 */
export async function fetchAsync(input: RequestInfo | URL, init: AsyncInit = {}): Promise<Response> {
  const { timeout, onProgress, cancelOnAbort, jobs, ...rest } = init;
  const request = new Request(input, rest);
  // A 202 to HEAD could not say what opens its job.
  if (request.method !== "HEAD") request.headers.append("Prefer", "respond-async");
  const limit = new AbortController();
  const late = () => limit.abort(new DOMException("The response did not come in time", "TimeoutError"));
  const timer = timeout === undefined ? undefined : setTimeout(late, timeout);
  const signal = AbortSignal.any([request.signal, limit.signal]);
  try {
    const first = await fetch(request, { signal });
    const path = monitorOf(first);
    if (path === undefined) return first;
    const monitor = new URL(path, first.url).href;
    const client = jobs ?? clientFor(monitor.slice(0, monitor.lastIndexOf("/")));
    const job = await jobOf(first, monitor);
    try {
      const status = await end(client, job, signal, onProgress);
      return await outcome(first, request, `${monitor}/response`, job, status, signal);
    } catch (error) {
      if (signal.aborted && cancelOnAbort) client.cancel(job).catch(() => {});
      throw error;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** What names a job, and opens it where it is the document. */
type Job = JobDocument | `job:${string}`;

/** The job that was accepted; a page on which HTML is waited for, and an answer to HEAD, have no document. */
async function jobOf(first: Response, monitor: string): Promise<Job> {
  const html = first.headers.get("Content-Type")?.startsWith("text/html");
  return html || !first.body ? `job:${monitor.slice(monitor.lastIndexOf("/") + 1)}` : first.json();
}

/** Wait for the end of the job; the status that its response will have, 0 where that is not known. */
async function end(
  client: Jobs,
  job: Job,
  signal: AbortSignal,
  onProgress: AsyncInit["onProgress"],
): Promise<number> {
  signal.throwIfAborted();
  const subscription = client.subscribe(job);
  const { state } = subscription;
  const close = () => subscription.close();
  let status = 0;
  let told: Progress | null = null;
  subscription.on("*", (event) => {
    if (event.type === "job.succeeded") status = event.data.status_code;
    const { progress } = state.get();
    if (progress && progress !== told) onProgress?.(progress);
    told = progress;
  });
  signal.addEventListener("abort", close);
  // Where it cannot be followed, its response's URL is asked instead.
  await subscription.done.catch(close);
  signal.removeEventListener("abort", close);
  signal.throwIfAborted();
  return status || (state.get().error?.status ?? 0);
}

/** The job's response, as one to `request`; asked for until it is there. */
async function outcome(
  first: Response,
  request: Request,
  url: string,
  job: Job,
  status: number,
  signal: AbortSignal,
): Promise<Response> {
  const { cache, credentials, mode, redirect, referrerPolicy } = request;
  const method = request.method === "HEAD" ? "HEAD" : "GET";
  const headers = new Headers([...request.headers].filter(([name]) => !SPENT.test(name)));
  const token = typeof job === "object" && job.token;
  // A redirect would take the token along, to any origin: the session's cookie may do instead, and of
  // the headers a browser lets go of `Authorization` (Fetch, HTTP-redirect fetch).
  const redirects = status >= 300 && status < 400;
  const name = (redirects || !status) && !headers.has("Authorization") ? "" : "X-Job-";
  const show = () => token && headers.set(`${name}Authorization`, `Bearer ${token}`);
  let shown = !redirects;
  if (shown) show();
  const options = { cache, credentials, mode, redirect, referrerPolicy, method, headers, signal };
  const { after, now, random } = browserEnvironment();
  for (let tries = 1; ; tries++) {
    const response = await fetch(url, options).catch((error) => {
      if ((redirects && redirect === "error") || signal.aborted || tries >= TRIES) throw error;
    });
    if (!shown && response && response.status >= 400 && !response.redirected) {
      shown = true;
      show();
      continue;
    }
    if (response && monitorOf(response)) {
      tries = 0;
      headers.set("Prefer", "wait=20");
    } else if (response && (!PASSING.has(response.status) || response.status === status || tries >= TRIES)) {
      return response.redirected ? response : seen(response, first);
    }
    const wait = response && retryAfter(response.headers, now());
    await pause(after, wait ?? backoff(tries, random), signal);
  }
}

/** The response as if it were an answer like `first`: the job's own URL does not show. */
function seen(response: Response, first: Response): Response {
  return Object.defineProperties(response, {
    url: { value: first.url },
    redirected: { value: first.redirected },
    clone: { value: () => seen(Response.prototype.clone.call(response), first) },
  });
}
