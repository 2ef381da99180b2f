/** Requests for events over HTTP, and what their answers mean (`docs/protocol.md`). */

import { retryAfter } from "../backoff.ts";
import type { PushjobsError } from "../errors.ts";
import { problem, refusal } from "../problems.ts";
import type { EventPage } from "../wire.ts";
import { Unavailable } from "./failure.ts";
import type { Follow } from "./follow.ts";
import { Group } from "./group.ts";
import type { Host } from "./transport.ts";

export const STREAM = "text/event-stream";
export const PAGE = "application/json";

/** What to do after an answer. */
export type Verdict = "follow" | "over" | "refresh" | "drop-cursor" | "retry" | "stop";

const FINAL = [400, 403, 404, 405, 410];
/** A proxy does not get, or await, the answer of the server behind it. */
const CUT = [502, 504];

/** @param code What comes last in the problem's type, where the answer is one. */
export function verdict(status: number, type: string | null, wanted: string, code?: string): Verdict {
  if (status === 204) return "over";
  if (status === 200) return type?.startsWith(wanted) ? "follow" : "retry";
  if (status === 401) return "refresh";
  if (status === 400 && code === "invalid-cursor") return "drop-cursor";
  return FINAL.includes(status) ? "stop" : "retry";
}

/**
 * Ask for the events of a group, as a stream or as a page that may be held for `wait` seconds.
 *
 * Null where the answer was no such thing and was acted upon: who is followed, from where or by
 * which token is not as it was. Throws `Unavailable`, and what `fetch` throws.
 */
export async function ask(
  host: Host,
  group: Group,
  wanted: string,
  signal: AbortSignal,
  wait?: number,
): Promise<Response | null> {
  const { follows, tokens } = group;
  const { environment, credentials } = host;
  const headers: Record<string, string> = { Accept: wanted };
  if (tokens.length === 1) headers["X-Job-Authorization"] = `Bearer ${tokens[0]}`;
  if (wait) headers.Prefer = `wait=${wait}`;
  const response = await environment.fetch(group.url(host.url), {
    headers,
    signal,
    cache: "no-store",
    ...(credentials && { credentials }),
  });
  const { status } = response;
  const type = response.headers.get("Content-Type");
  const error = response.ok ? undefined : await refusal(response);
  signal.throwIfAborted();
  const then = verdict(status, type, wanted, error?.code);
  if (then === "follow") {
    for (const follow of follows) follow.renewedAt = null;
    return response;
  }
  if (error === undefined || then === "retry") {
    if (then === "over") {
      host.heard();
      for (const follow of follows) follow.end();
      return null;
    }
    void response.body?.cancel().catch(() => {});
    const after = retryAfter(response.headers, environment.now());
    throw new Unavailable({
      error: error ?? notOurs(type),
      after,
      unfit: wait !== undefined && CUT.includes(status),
    });
  }
  host.heard();
  const [follow] = follows;
  if (follows.length > 1) {
    // Which of them is at fault only each alone can tell.
    let faults = 0;
    for (const follow of follows) if (await isAtFault(host, follow, signal)) faults++;
    if (faults === 0) throw new Unavailable({ error });
  } else if (follow && !(await isRepaired(follow, then, environment.now(), tokens[0]))) {
    follow.fail(error);
  }
  return null;
}

function notOurs(type: string | null): PushjobsError {
  return problem("unexpected-answer", `The answer is of another kind: ${type}`);
}

/** Whether it is worth asking once more. */
async function isRepaired(follow: Follow, then: Verdict, now: number, refused?: string): Promise<boolean> {
  if (then === "drop-cursor" && follow.cursor !== null) {
    follow.cursor = null;
    return true;
  }
  return then === "refresh" && follow.renew(refused, now);
}

async function isAtFault(host: Host, follow: Follow, signal: AbortSignal): Promise<boolean> {
  let atFault = false;
  while (!follow.over) {
    if (await readPage(host, new Group([follow]), signal)) break;
    atFault = true;
  }
  return atFault;
}

/** The events that there are, told to their followers; null as `ask` has it. */
export async function readPage(
  host: Host,
  group: Group,
  signal: AbortSignal,
  wait?: number,
): Promise<EventPage | null> {
  const page = await askPage(host, group, signal, wait);
  if (page === null) return null;
  for (const { event, cursor } of page.events) group.event(event, cursor);
  group.moved(page.cursor);
  if (page.ended) for (const follow of group.follows) follow.end();
  return page;
}

/**
 * See whether a job of which nothing was heard was over before.
 *
 * A request for many channels is not told so as long as one of them goes on.
 */
export async function findEnded(host: Host, { follows }: Group, signal: AbortSignal): Promise<void> {
  if (follows.length < 2) return;
  for (const follow of follows) {
    if (follow.over || follow.known || !follow.channel.startsWith("job:")) continue;
    const page = await askPage(host, new Group([follow]), signal);
    // Events that it shows come as well with the others.
    if (page?.ended && page.events.length === 0 && !follow.known) follow.end();
    follow.known = true;
  }
}

async function askPage(
  host: Host,
  group: Group,
  signal: AbortSignal,
  wait?: number,
): Promise<EventPage | null> {
  const response = await ask(host, group, PAGE, signal, wait);
  const page: EventPage | null = response && (await response.json());
  signal.throwIfAborted();
  if (page) host.heard();
  return page;
}
