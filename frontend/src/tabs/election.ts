/** Which of the tabs leads: the one that holds the lock. A tab that does not answer loses it. */

import type { Environment } from "../environment.ts";
import { hold, type Locks } from "./locks.ts";
import type { Answer, Call, Message, OpenPost, Post, Request } from "./messages.ts";

/** How long who leads may take to answer, in milliseconds. */
const PATIENCE = 5_000;
/** How often a tab that is seen asks whether it is still led. */
const CHECK = 15_000;

export interface Electorate {
  readonly name: string;
  readonly locks: Locks;
  readonly post: OpenPost;
  readonly environment: Pick<Environment, "after" | "onWake" | "visible">;
}

/** What becomes of this tab. */
export interface Voter {
  /** It leads. */
  elected(id: string, all: Post): void;
  /** Another tab says that it leads: one more, or the same as before. */
  led(claim: Extract<Call, { type: "lead" }>): void;
  /** It leads no more, or who led has gone; another will. */
  unled(): void;
  /** The browser allows no locks here. */
  forbidden(): void;
  hear(message: Extract<Call, { type: "hello" }> | Request | Answer): void;
}

export class Election {
  readonly #electorate: Electorate;
  readonly #voter: Voter;
  /** What joining has opened; null where this tab takes no part. */
  #part: { id: string; all: Post; leave: () => void; present: boolean } | null = null;
  #leader: string | null = null;
  #resign = () => {};
  #hurry: (() => void) | undefined;
  #rest = () => {};

  constructor(electorate: Electorate, voter: Voter) {
    this.#electorate = electorate;
    this.#voter = voter;
  }

  /** This tab's name among the others; null where it takes no part. */
  get id(): string | null {
    return this.#part?.id ?? null;
  }

  join(): void {
    if (this.#part) return;
    const { name, locks, post, environment } = this.#electorate;
    const id = crypto.randomUUID();
    const all = post(name);
    const inbox = post(`${name}:${id}`);
    const hear = ({ data }: MessageEvent<Message>) => this.#hear(data);
    all.onmessage = hear;
    inbox.onmessage = hear;
    const asleep = environment.onWake(() => this.ask());
    // Free as soon as this tab is gone: so who leads learns of it. Until it is held, who leads may
    // not hear of this tab.
    const absent = hold(locks, `${name}:${id}`, {
      granted: () => {
        part.present = true;
        this.ask();
      },
      lost: (forbidden) => forbidden && this.#voter.forbidden(),
    });
    const leave = () => {
      asleep();
      absent();
      all.close();
      inbox.close();
    };
    const part = { id, all, leave, present: false };
    this.#part = part;
    this.#stand(false);
  }

  leave(): void {
    this.#resign();
    this.#rest();
    this.#hurry?.();
    this.#hurry = undefined;
    this.#leader = null;
    this.#part?.leave();
    this.#part = null;
  }

  #stand(steal: boolean): void {
    const { name, locks } = this.#electorate;
    const part = this.#part;
    if (!part) return;
    this.#resign();
    this.#resign = hold(locks, name, {
      steal,
      granted: () => {
        this.#leader = part.id;
        this.#settled();
        this.#voter.elected(part.id, part.all);
      },
      lost: (forbidden) => {
        if (forbidden) return;
        this.#unled();
        this.#stand(false);
      },
    });
  }

  #unled(): void {
    this.#leader = null;
    this.#voter.unled();
    this.ask();
  }

  /** Who leads? If no one says so in time, this tab will. */
  ask(): void {
    const { environment } = this.#electorate;
    const part = this.#part;
    if (!part || this.#leader === part.id) return;
    part.all.postMessage({ type: "hello", from: part.id });
    if (!environment.visible()) return;
    this.#hurry ??= environment.after(PATIENCE, () => {
      this.#hurry = undefined;
      if (environment.visible()) this.#stand(true);
    });
  }

  #settled(): void {
    this.#hurry?.();
    this.#hurry = undefined;
    this.#rest();
  }

  #hear(message: Message): void {
    const { environment } = this.#electorate;
    const leads = this.#leader !== null && this.#leader === this.id;
    switch (message.type) {
      case "lead":
        if (leads || !this.#part?.present) return; // The lock has the last word on who leads.
        this.#leader = message.from;
        this.#settled();
        this.#rest = environment.after(CHECK, () => environment.visible() && this.ask());
        this.#voter.led(message);
        // Nobody sees that tab, so that it may wait for a minute longer than it means to.
        if (message.state.status === "waiting" && !message.visible && environment.visible())
          this.#stand(true);
        return;
      case "gone":
        if (message.from === this.#leader) this.#unled();
        return;
      case "hello":
        if (leads) this.#voter.hear(message);
        return;
      default:
        this.#voter.hear(message);
    }
  }
}
