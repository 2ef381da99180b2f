/**
 * Follows a stream with a public client, and prints what it hears, a JSON object a line:
 * `node public-clients.mjs CLIENT URL`. For tests/acceptance/test_public_clients.py.
 */

import { fetchEventSource } from "@microsoft/fetch-event-source";
import { EventSource } from "eventsource";

const TYPES = ["snapshot", "queued", "started", "progress", "output", "succeeded"].map(
  (type) => `job.${type}`,
);

const tell = (line) => console.log(JSON.stringify(line));

const clients = {
  eventsource(url) {
    const source = new EventSource(url);
    for (const type of TYPES) source.addEventListener(type, (event) => tell({ id: event.lastEventId, type }));
    source.addEventListener("error", (error) => {
      if (source.readyState === EventSource.CLOSED) tell({ stopped: error.code });
    });
  },

  async "fetch-event-source"(url) {
    globalThis.window = globalThis; // It asks a browser whether its page is seen.
    globalThis.document = { addEventListener() {}, removeEventListener() {} };
    const stop = new AbortController();
    await fetchEventSource(url, {
      signal: stop.signal,
      openWhenHidden: true,
      onopen(response) {
        if (response.status === 204) stop.abort();
        else if (!response.ok) throw new Error(`HTTP ${response.status}`);
      },
      onmessage: ({ id, event, data }) => data && tell({ id, type: event }),
      onclose() {
        throw new Error("the end of a stream is not the end of a job");
      },
    });
    tell({ stopped: 204 });
  },
};

const [client, url] = process.argv.slice(2);
await clients[client](url);
