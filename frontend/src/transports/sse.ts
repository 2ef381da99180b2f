/** Server-Sent Events by `fetch`: unlike `EventSource` it shows the status, and sends headers. */

import { EventStream } from "../eventstream.ts";
import { Unavailable } from "./failure.ts";
import { type Lane, Lanes } from "./lanes.ts";
import { ask, findEnded, STREAM } from "./requests.ts";
import { type Host, type Link, PATIENCE } from "./transport.ts";

/** Milliseconds between two heartbeats of the server, and of silence until it counts as gone. */
const HEARTBEAT = 15_000;
const SILENCE = 2 * HEARTBEAT + PATIENCE;

export function openStreams(host: Host): Link {
  return new Lanes(host, stream);
}

async function stream(host: Host, lane: Lane): Promise<void> {
  const { group, signal, watch } = lane;
  watch.expect(PATIENCE);
  const response = await ask(host, group, STREAM, signal);
  if (response === null) return;
  const reader = response.body?.getReader();
  if (reader === undefined) throw new Unavailable({});
  const messages = new EventStream();
  const decoder = new TextDecoder();
  for (let begun = false; ; ) {
    const { done, value } = await reader.read();
    signal.throwIfAborted();
    if (done) break;
    if (begun) {
      watch.heard();
    } else {
      begun = true;
      watch.expect(SILENCE);
      lane.later(HEARTBEAT, () => void findEnded(host, group, signal).catch(() => {}));
    }
    host.heard();
    for (const { id, data } of messages.push(decoder.decode(value, { stream: true }))) {
      group.event(JSON.parse(data), id);
    }
    group.moved(messages.lastId);
  }
  // The end of a stream is the end of no job.
  if (!group.over) throw new Unavailable({ after: messages.retry });
}
