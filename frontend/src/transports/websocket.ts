/** WebSocket: one connection for all channels, JSON text frames. */

import { backoff } from "../backoff.ts";
import type { PushjobsError } from "../errors.ts";
import { problem } from "../problems.ts";
import { Timers } from "../timers.ts";
import { Watch } from "../watch.ts";
import type { Channel, ClientFrame, ServerFrame } from "../wire.ts";
import { afterClose } from "./closes.ts";
import { failureOf } from "./failure.ts";
import type { Follow } from "./follow.ts";
import { type Host, type Link, PATIENCE } from "./transport.ts";

/** Frames a second, under the 50 that the server takes (`MAX_FRAMES_PER_SECOND`). */
const PACE = 40;

/** The status that goes with a problem's slug: frames do not say it. */
const STATUS: Readonly<Record<string, number>> = {
  unauthorized: 401,
  forbidden: 403,
  "not-found": 404,
  gone: 410,
  "limit-exceeded": 429,
};
/** Errors that pass. */
const PASSING = /-unavailable$|^server-busy$|^internal-error$/;

interface Subscription {
  readonly follow: Follow;
  /** That the server was shown; undefined for the session's. */
  token: string | undefined;
  phase:
    | "new" // until it has a token, or until a while after an error that passes
    | "ready" // to be asked for
    | "asked" // until `subscribed`
    | "live"
    | "leaving"; // until `unsubscribed`: what comes until then is of the past
}

/** @throws what the platform's `WebSocket` throws. */
export function openSocket(host: Host): Link {
  const { environment, url } = host;
  const { now, random } = environment;
  const base = (globalThis as Partial<typeof globalThis>).document?.baseURI ?? "http://localhost";
  const socket = environment.socket?.(new URL(`${url}/socket`, base).href.replace(/^http/, "ws"));
  if (socket === undefined) throw new TypeError("there is no WebSocket here");

  const subscriptions = new Map<Channel, Subscription>();
  const timers = new Timers<"turn" | "ping" | Channel>(environment);
  const watch = new Watch(environment, () => host.down({ silent: true }));
  /** Milliseconds between two heartbeats of the server; 0 before its welcome. */
  let heartbeat = 0;
  let pinged: number | null = null;
  let failures = 0;
  let left = PACE;
  let counted = now();
  let closed = false;
  /** Whether the session that it was opened with, if any, opens no channel. */
  let stranger = false;

  /** Send a frame, if the server takes another one now; else it is this one's turn in a while. */
  const say = (frame: ClientFrame): boolean => {
    left = Math.min(PACE, left + ((now() - counted) * PACE) / 1_000);
    counted = now();
    if (left < 1) {
      timers.set("turn", 250, turn);
      return false;
    }
    left--;
    socket.send(JSON.stringify(frame));
    return true;
  };

  /** Ask for a sign of life, which tells the latency too; and again after a while. */
  const ping = () => {
    if (say({ type: "ping" })) pinged = now();
    timers.set("ping", heartbeat, ping);
  };

  const changed = () => timers.set("turn", 0, turn);

  /** Subscribe and unsubscribe, until all is as it is to be. */
  const turn = () => {
    if (!heartbeat || closed) return;
    for (const subscription of subscriptions.values()) {
      const { follow, phase, token } = subscription;
      const { channel, credential } = follow;
      const asked = phase === "asked" || phase === "live";
      if (host.follows.get(channel) === follow && !(asked && credential?.token !== token)) continue;
      if (asked) {
        if (!say({ type: "unsubscribe", channel })) return;
        subscription.phase = "leaving";
      } else if (phase !== "leaving") {
        subscriptions.delete(channel);
      }
    }
    for (const [channel, follow] of host.follows) {
      const subscription = subscriptions.get(channel);
      if (subscription === undefined) {
        // There may be another session by now: only a new handshake shows it.
        if (stranger && !follow.credential) return host.down({ blameless: true });
        void begin(follow, () => follow.authorise());
      } else if (subscription.phase === "ready") {
        const token = follow.credential?.token;
        const cursor = follow.cursor ?? undefined;
        // `undefined` is left out of JSON.
        if (!say({ type: "subscribe", channel, token, cursor })) return;
        subscription.token = token;
        subscription.phase = "asked";
      }
    }
  };

  /** Begin, once there is a token. */
  const begin = async (follow: Follow, authorised: () => Promise<void>) => {
    const subscription: Subscription = { follow, token: undefined, phase: "new" };
    subscriptions.set(follow.channel, subscription);
    try {
      await authorised();
      subscription.phase = "ready";
      turn();
    } catch (cause) {
      if (!follow.over) host.down(failureOf(cause));
    }
  };

  const tell = (subscription: Subscription, frame: ServerFrame) => {
    const { follow, phase } = subscription;
    const { channel } = follow;
    const live = phase === "live";
    if (frame.type === "unsubscribed") {
      // While it is asked for, one that was let go before may be meant.
      if (phase === "leaving" || live) subscriptions.delete(channel);
      changed();
      if (live) follow.end();
    } else if (frame.type === "subscribed" && phase === "asked") {
      subscription.phase = "live";
      follow.renewedAt = null;
      follow.moved(frame.cursor);
    } else if (frame.type === "event" && live) {
      failures = 0;
      // The server takes it back by itself.
      if (follow.endsWith(frame.event)) subscription.phase = "leaving";
      follow.event(frame.event, frame.cursor);
    } else if (frame.type === "error" && (phase === "asked" || live)) {
      refused(subscription, errorOf(frame));
    }
  };

  const refused = (subscription: Subscription, error: PushjobsError) => {
    const { follow, token } = subscription;
    const { channel } = follow;
    const { code } = error;
    if (PASSING.test(code)) {
      subscription.phase = "new";
      timers.set(channel, backoff(++failures, random), () => {
        if (subscriptions.get(channel) === subscription) subscriptions.delete(channel);
        turn();
      });
      return;
    }
    subscriptions.delete(channel);
    if (code === "invalid-cursor" && follow.cursor !== null) {
      follow.cursor = null;
      changed();
    } else if (code === "unauthorized") {
      stranger ||= !follow.credential;
      void begin(follow, async () => {
        if (!(await follow.renew(token, now()))) follow.fail(error);
      });
    } else {
      follow.fail(error);
    }
  };

  const close = () => {
    closed = true;
    watch.stop();
    timers.clear();
    socket.onmessage = socket.onclose = null;
    socket.close();
  };

  watch.expect(PATIENCE);
  socket.onmessage = ({ data }) => {
    const frame: ServerFrame = JSON.parse(data);
    if (frame.type === "welcome") {
      heartbeat = frame.heartbeat * 1_000;
      ping();
      changed();
    }
    if (!heartbeat) return;
    watch.expect(2 * heartbeat + PATIENCE);
    host.heard();
    if (frame.type === "pong" && pinged !== null) {
      host.latency(now() - pinged);
      pinged = null;
    }
    const channel = "channel" in frame ? frame.channel : undefined;
    const subscription = channel && subscriptions.get(channel);
    if (subscription) tell(subscription, frame);
    else if (frame.type === "error" && frame.code === "internal_error" && !channel) {
      // A frame of ours came to nothing, and it does not say which.
      host.down({ error: errorOf(frame) });
    }
  };
  socket.onclose = async ({ code }) => {
    close();
    const then = afterClose(code);
    let refused = then === "stop";
    if (then === "refresh") {
      const renewals = [...host.follows.values()].map((follow) =>
        follow.renew(follow.credential?.token, now()),
      );
      refused = !(await Promise.all(renewals).catch(() => [true])).includes(true);
    }
    host.down({ error: problem(`closed-${code}`, `The connection was closed with code ${code}`), refused });
  };

  return {
    changed,
    close,
    check() {
      watch.check();
      if (closed || !heartbeat) return;
      watch.expect(PATIENCE);
      ping();
    },
  };
}

function errorOf({ code, detail }: ServerFrame & { type: "error" }): PushjobsError {
  const slug = code.replaceAll("_", "-");
  return problem(slug, detail, STATUS[slug] ?? 400);
}
