import type { Credential } from "../credentials.ts";
import { PushjobsError } from "../errors.ts";
import { problem } from "../problems.ts";
import type { Sink } from "../source.ts";
import { type Channel, isOver, type JobEvent } from "../wire.ts";
import { Unavailable } from "./failure.ts";

const LAST = /^job\.(succeeded|failed|cancelled)$/;

const NO_ONE: Sink = { event() {}, moved() {}, ended() {}, failed() {} };

/** Milliseconds in which a token does not expire: the server may have been away for longer. */
const FRESH = 10_000;

/** Statuses of a token's source that another try does not change. */
const FINAL = /^4(?!08|25|29)/;

/** A channel that is followed, on whichever transport, until it is over. */
export class Follow {
  readonly channel: Channel;
  /** By what right; undefined: by the session. */
  readonly credential: Credential | undefined;
  /** Where whoever carries on has to begin; null: with a snapshot. */
  cursor: string | null;
  /** Nothing more may be told. */
  over = false;
  /** When another token was got that the server has not taken yet; null where it took the last one. */
  renewedAt: number | null = null;
  /** The server has told something of it, or was asked: it is not one that was over before. */
  known = false;
  readonly #sink: Sink;
  readonly #letGo: () => void;

  /** @param letGo Called when it is over, before the sink is told. */
  constructor(
    channel: Channel,
    credential: Credential | undefined,
    cursor: string | null,
    sink: Sink,
    letGo: () => void,
  ) {
    this.channel = channel;
    this.credential = credential;
    this.cursor = cursor;
    this.#sink = sink;
    this.#letGo = letGo;
  }

  /** As this one stands, for who is to tell no one. */
  muted(): Follow {
    const { channel, credential, cursor } = this;
    return new Follow(channel, credential, cursor, NO_ONE, () => {});
  }

  event(event: JobEvent, cursor: string | null): void {
    if (this.over) return;
    this.known = true;
    this.cursor = cursor ?? this.cursor;
    this.#sink.event(event, cursor);
    if (this.endsWith(event)) this.end();
  }

  moved(cursor: string | null): void {
    if (this.over || cursor === null || cursor === this.cursor) return;
    this.known = true;
    this.cursor = cursor;
    this.#sink.moved(cursor);
  }

  /** Whether nothing can come on this channel after the event. */
  endsWith(event: JobEvent): boolean {
    if (!this.channel.startsWith("job:")) return false;
    return event.type === "job.snapshot" ? isOver(event.data.status) : LAST.test(event.type);
  }

  /** Have a token at hand. Throws `Unavailable` where there is none for now; fails where for good. */
  async authorise(): Promise<void> {
    try {
      await this.credential?.get();
    } catch (cause) {
      this.#withoutToken(cause);
    }
  }

  /** Whether there is another token than the `refused` one; a fresh one that is refused is the last. */
  async renew(refused: string | undefined, now: number): Promise<boolean> {
    if (this.credential === undefined || now - (this.renewedAt ?? 0) < FRESH) return false;
    try {
      if ((await this.credential.renew(refused)) === null) return false;
    } catch (cause) {
      this.#withoutToken(cause);
    }
    this.renewedAt = now;
    return !this.over;
  }

  end(): void {
    if (this.close()) this.#sink.ended();
  }

  fail(error: PushjobsError): void {
    if (this.close()) this.#sink.failed(error);
  }

  #withoutToken(cause: unknown): void {
    if (cause instanceof PushjobsError && FINAL.test(`${cause.status}`)) this.fail(cause);
    else
      throw new Unavailable({
        blameless: true,
        error: problem("no-token", "No token could be got", 0, cause),
      });
  }

  /** Tell nothing more; returns whether there was anything to tell. */
  close(): boolean {
    if (this.over) return false;
    this.over = true;
    this.#letGo();
    return true;
  }
}
