/** A site with a slow view: the network answers as a test says, and its jobs are told by hand. */

import { vi } from "vitest";
import { Api } from "../src/api.ts";
import { Jobs } from "../src/client.ts";
import { browserEnvironment } from "../src/environment.ts";
import type { Sink, Source, Start } from "../src/source.ts";
import { Value } from "../src/store.ts";
import type { Channel, JobEvent } from "../src/wire.ts";
import { document, ID } from "./jobs.ts";

export const ORIGIN = "https://example.org";
export const REPORT = `${ORIGIN}/report`;
export const RESPONSE = `${ORIGIN}/jobs/${ID}/response`;
export const CANCEL = `/jobs/${ID}/cancel`;
const LINKS = `</jobs/${ID}>; rel="monitor", </jobs/${ID}/events>; rel="monitor"; type="text/event-stream"`;

/** The connection of the client; a test says what comes over it. */
class ScriptedSource implements Source {
  readonly state = new Value({
    status: "open",
    transport: "websocket",
    retryAt: null,
    latency: null,
    error: null,
    shared: false,
  } as const);
  readonly followed: { channel: Channel; start: Start; sink: Sink }[] = [];
  readonly left: Channel[] = [];
  /** Told to who follows, as soon as they do. */
  script: JobEvent[] = [];

  follow(channel: Channel, start: Start, sink: Sink): () => void {
    this.followed.push({ channel, start, sink });
    queueMicrotask(() => this.tell(...this.script));
    return () => void this.left.push(channel);
  }

  tell(...events: JobEvent[]): void {
    for (const event of events) this.followed.at(-1)?.sink.event(event, null);
  }

  close(): void {}
}

/** Take the place of the network: it answers, or fails, in turn; after that it says nothing. */
export function site(...answers: (Response | Error)[]) {
  const asked: Request[] = [];
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input instanceof Request ? input : new URL(input, ORIGIN), init);
    const { signal } = request;
    asked.push(request);
    signal.throwIfAborted();
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    if (answer !== undefined)
      return answer.url === "" ? from(request.url.replace(/#.*/, ""), answer) : answer;
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  vi.stubGlobal("fetch", fetch);
  const source = new ScriptedSource();
  const environment = {
    ...browserEnvironment(),
    fetch: (url: string, init?: RequestInit) => fetch(url, init),
  };
  const jobs = new Jobs(new Api({ url: "/jobs", environment }), source);
  return { asked, jobs, source };
}

/** A response as from `url`, after a redirect or not. */
export function from(url: string, response: Response, redirected = false): Response {
  const own = (value: unknown) => ({ value, configurable: true });
  return Object.defineProperties(response, { url: own(url), redirected: own(redirected) });
}

/** The answer of a view that puts its request off. */
export function accepted(token: { token?: string } = { token: "t1" }): Response {
  const body = document({ cursor: "earliest", ...token });
  return Response.json(body, { status: 202, headers: { Link: LINKS, "Retry-After": "1" } });
}
