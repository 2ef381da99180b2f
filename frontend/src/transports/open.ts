import type { Transport } from "../source.ts";
import { openLongPolls, openPolls } from "./pages.ts";
import { openStreams } from "./sse.ts";
import type { Host, Link, OpenLink } from "./transport.ts";
import { openSocket } from "./websocket.ts";

const OPEN: Readonly<Record<Transport, OpenLink>> = {
  websocket: openSocket,
  sse: openStreams,
  "long-polling": openLongPolls,
  polling: openPolls,
};

/** @throws what the platform throws where it has no such transport. */
export function openLink(transport: Transport, host: Host): Link {
  return OPEN[transport](host);
}
