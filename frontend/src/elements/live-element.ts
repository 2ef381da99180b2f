/** What the elements have in common: a channel that is followed as long as they are on the page. */

import type { Jobs } from "../client.ts";
import { clientFor } from "../clients.ts";
import type { JobState } from "../job.ts";
import type { TokenSource } from "../source.ts";
import type { Subscription } from "../subscription.ts";
import type { Channel, JobEvent } from "../wire.ts";
import { Frame } from "./frame.ts";
import { type Labels, labelsOf, parseLabels } from "./labels.ts";
import { adoptStyles } from "./stylesheet.ts";
import { type Trouble, troubleOf, troubleText } from "./trouble.ts";

/** Whom to follow, and at which API. */
export interface Wanted {
  readonly url: string;
  readonly channel: Channel;
}

export abstract class LiveElement<State> extends HTMLElement {
  static readonly observedAttributes: readonly string[] = ["token", "label", "labels", "readonly"];

  /** Draws in the next frame, once however much has happened. */
  protected readonly frame: Frame = new Frame(() => this.isConnected && this.draw());
  protected readonly tree: ShadowRoot;
  #jobs: Jobs | null = null;
  #token: TokenSource | null = null;
  #labels: Partial<Labels> | null = null;
  #allLabels: Labels | null = null;
  #subscription: Subscription<State> | null = null;
  #followed: readonly unknown[] = [];
  #stop: () => void = () => {};
  #trouble: Trouble = null;
  #error: Error | null = null;

  constructor() {
    super();
    this.tree = this.attachShadow({ mode: "open" });
    adoptStyles(this.tree);
  }

  /** Whom to follow now; null for no one. Throws where the attributes make no sense. */
  protected abstract wanted(): Wanted | null;
  protected abstract subscribe(jobs: Jobs, wanted: Wanted): Subscription<State>;
  /** An event has come: `state` has it in it. Returns the job if it is news that it is over. */
  protected abstract heard(event: JobEvent, state: State): JobState | null;
  /** What was followed is another one from now on, or none. */
  protected abstract reset(): void;
  protected abstract draw(): void;

  /** The client to use; without one, the page's for the URL, which all elements share. */
  get jobs(): Jobs | null {
    return this.#jobs;
  }

  set jobs(jobs: Jobs | null) {
    this.#jobs = jobs;
    this.refollow();
  }

  /** Opens the channel; also as an attribute, if it is a text. */
  get token(): TokenSource | null {
    return this.#token ?? this.getAttribute("token");
  }

  set token(token: TokenSource | null) {
    this.#token = token;
    this.refollow();
  }

  /** Texts in place of the page's or the English ones; also as an attribute, in JSON. */
  get labels(): Labels {
    this.#allLabels ??= labelsOf(parseLabels(this.getAttribute("labels")), this.#labels);
    return this.#allLabels;
  }

  set labels(labels: Partial<Labels> | null) {
    this.#labels = labels;
    this.#allLabels = null;
    this.frame.request();
  }

  /** Whether there are no buttons; also as an attribute. */
  get readonly(): boolean {
    return this.hasAttribute("readonly");
  }

  set readonly(readonly: boolean) {
    this.toggleAttribute("readonly", readonly);
  }

  connectedCallback(): void {
    // Set before the element was defined, these hide the properties of the class.
    for (const name of Object.keys(this)) {
      if (!(name in Object.getPrototypeOf(this))) continue;
      const value: unknown = Reflect.get(this, name);
      Reflect.deleteProperty(this, name);
      Reflect.set(this, name, value);
    }
    this.refollow();
    this.draw();
  }

  disconnectedCallback(): void {
    this.refollow();
  }

  /** In another document, another window's say, a tree has lost its styles. */
  adoptedCallback(): void {
    adoptStyles(this.tree);
  }

  /** By `moveBefore`: nothing changes. */
  connectedMoveCallback(): void {}

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before !== now) this.changed(name, before);
  }

  /** An attribute has another value. */
  protected changed(name: string, _before: string | null): void {
    if (name === "token") this.refollow();
    if (name === "labels") this.#allLabels = null;
    this.frame.request();
  }

  /** Null where nothing is followed, or could be. */
  protected get subscription(): Subscription<State> | null {
    return this.#subscription;
  }

  /** Dispatch an event; false where a listener has prevented its default. */
  protected tell(type: string, detail: unknown): boolean {
    return this.dispatchEvent(
      new CustomEvent(type, { detail, bubbles: true, composed: true, cancelable: true }),
    );
  }

  /** The client of the API at `url`. */
  protected client(url: string): Jobs {
    return this.#jobs ?? clientFor(url);
  }

  /** What there is to say of the connection. */
  protected trouble(labels: Labels): string {
    return troubleText(labels, this.#trouble, this.#error);
  }

  /**
   * Look anew whom to follow, once all that happens together has happened: an element that moves
   * within the page is taken from it first.
   */
  protected refollow(): void {
    queueMicrotask(() => this.#refollow());
  }

  #refollow(): void {
    let wanted: Wanted | null = null;
    let mistake: Error | null = null;
    try {
      wanted = this.isConnected ? this.wanted() : null;
    } catch (error) {
      mistake = asError(error);
    }
    const followed = wanted ? [wanted.url, wanted.channel, this.#jobs, this.token] : [mistake?.message];
    if (
      followed.length === this.#followed.length &&
      followed.every((item, at) => item === this.#followed[at])
    )
      return;
    this.#followed = followed;
    this.#stop();
    this.#stop = () => {};
    this.#refused(mistake);
    this.reset();
    try {
      if (wanted) this.#follow(this.client(wanted.url), wanted);
    } catch (error) {
      this.#refused(asError(error)); // The client is closed.
    }
    this.frame.request();
  }

  /** Why nothing can be followed; null where something can. */
  #refused(error: Error | null): void {
    this.#trouble = error && "refused";
    this.#error = error;
  }

  #follow(jobs: Jobs, wanted: Wanted): void {
    const subscription = this.subscribe(jobs, wanted);
    this.#subscription = subscription;
    const unlisten = subscription.on("*", (event) => {
      const over = this.heard(event, subscription.state.get());
      this.tell("job-event", event);
      if (over) this.tell("job-over", over);
      this.frame.request();
    });
    const unwatch = jobs.connection.subscribe((connection) => {
      this.#trouble = troubleOf(connection, this.#trouble);
      this.#error = connection.error;
      this.frame.request();
    });
    const stop = () => {
      unlisten();
      unwatch();
      subscription.close();
      this.#subscription = null;
    };
    this.#stop = stop;
    const ended = (error: Error | null) => {
      if (this.#stop !== stop) return;
      unwatch(); // What becomes of the connection is no longer of interest.
      if (error) this.#subscription = null;
      this.#refused(error);
      this.frame.request();
    };
    subscription.done.then(() => ended(null), ended);
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
