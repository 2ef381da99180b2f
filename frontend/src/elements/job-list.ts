/** `<job-list channel="user:me">`: the caller's jobs, live, the newest first. */

import type { Jobs, JobsSubscription } from "../client.ts";
import type { JobState, JobStates } from "../job.ts";
import type { JobEvent } from "../wire.ts";
import { webAddress } from "./job-address.ts";
import { JobRow, type RenderRow } from "./job-row.ts";
import { type Labels, nameLabel, statusLabel } from "./labels.ts";
import { LiveElement, type Wanted } from "./live-element.ts";
import { element, setAttribute, setNote, setText } from "./markup.ts";
import { Replays } from "./replays.ts";

const LIMIT = 20;
/** Milliseconds between two looks whether the server has said that there is nothing. */
const LOOK = 200;
/** Changes that are read out at a time. */
const NEWS = 3;

/**
 * Attributes: `url`, where the API is (`/jobs`); `channel`, `user:me` (default) or `tag:<name>`; `limit`,
 * how many are shown at first (20); `status`, which, several with spaces between; `token`, `label` (what
 * to call the list), `labels`, `readonly`.
 *
 * Events: `job-event` (a `JobEvent`), `job-over` (a `JobState`), `job-cancel` (a `JobState`; cancelable,
 * before it is asked for), `job-retry` (the new job's document).
 */
export class JobListElement extends LiveElement<JobStates> {
  static override readonly observedAttributes: readonly string[] = [
    ...LiveElement.observedAttributes,
    "url",
    "channel",
    "limit",
    "status",
  ];

  readonly #rows = new Map<string, JobRow>();
  readonly #replays = new Replays(
    (id) =>
      this.client(this.#url).subscribe(`job:${id}`, { token: this.token ?? undefined, cursor: "earliest" }),
    () => this.frame.request(),
  );
  #states: JobStates = new Map();
  #look: ReturnType<typeof setTimeout> | undefined;
  /** Rows that were asked for beyond the limit. */
  #more = 0;
  #render: RenderRow | null = null;
  readonly #list = element("ul", { part: "list", role: "list", tabindex: "-1" });
  readonly #live = element("p", { part: "live", role: "status" });
  readonly #connection = element("p", { part: "connection", role: "status" });
  readonly #empty = element("p", { part: "empty", hidden: "" }, element("slot", { name: "empty" }));
  readonly #button = element("button", { part: "button more", type: "button", hidden: "" });

  constructor() {
    super();
    this.tree.append(this.#connection, this.#list, this.#empty, this.#button, this.#live);
    this.#button.addEventListener("click", () => this.#showMore());
  }

  /** The jobs that are known, by id. */
  get states(): JobStates {
    return new Map([...this.#states].map(([id, state]) => [id, this.#replays.of(state)]));
  }

  /**
   * Draws a row in place of the element: it is handed the row, empty at first and the same again for
   * the same job, and the job's state, once a frame at most.
   */
  get renderRow(): RenderRow | null {
    return this.#render;
  }

  set renderRow(render: RenderRow | null) {
    this.#render = render;
    this.#clear();
    this.frame.request();
  }

  protected override changed(name: string, before: string | null): void {
    super.changed(name, before);
    if (name === "url" || name === "channel") this.refollow();
  }

  protected override wanted(): Wanted {
    return { url: this.#url, channel: this.#channel };
  }

  protected override subscribe(jobs: Jobs): JobsSubscription {
    return jobs.subscribe(this.#channel, { token: this.token ?? undefined });
  }

  protected override reset(): void {
    this.#states = new Map();
    this.#replays.close();
    this.#more = 0;
    this.#clear();
  }

  protected override heard(event: JobEvent, states: JobStates): JobState | null {
    const before = this.#states.get(event.job);
    const state = states.get(event.job);
    this.#states = states;
    // What is over when it is first seen is no news.
    return state?.over && before?.over === false ? state : null;
  }

  protected override draw(): void {
    const { labels } = this;
    const chosen = this.#chosen();
    const shown = chosen.slice(0, this.#limit + this.#more).map((state) => {
      this.#replays.ask(state);
      return this.#replays.of(state);
    });
    const known = this.#states.size > 0 || (this.subscription?.cursor ?? null) !== null;
    setAttribute(this.#list, "aria-label", this.getAttribute("label") ?? labels.jobs);
    const asking = !known && this.subscription !== null;
    setAttribute(this.#list, "aria-busy", asking ? "true" : null);
    setText(this.#connection, this.trouble(labels));
    const lost = this.#removeAllBut(new Set(shown.map(({ id }) => id)));
    const news = shown.flatMap((state, at) => this.#drawRow(state, at, labels));
    // A node of its own: the same text once more, of another job, would not be read out.
    if (news.length > 0) this.#live.replaceChildren(element("span", {}, news.slice(0, NEWS).join(". ")));
    // The keyboard goes on from the row that has come into the place of its own.
    if (lost !== -1) (this.#rowAt(Math.min(lost, shown.length - 1)) ?? this.#list).focus();
    setText(this.#empty.firstElementChild, labels.empty);
    this.#empty.hidden = !known || shown.length > 0;
    setNote(this.#button, chosen.length > shown.length ? labels.more : "");
    clearTimeout(this.#look);
    if (asking) this.#look = setTimeout(() => this.frame.request(), LOOK);
  }

  get #url(): string {
    return webAddress((this.getAttribute("url") ?? "/jobs").replace(/\/+$/, ""));
  }

  get #channel(): "user:me" | `tag:${string}` {
    const channel = this.getAttribute("channel") ?? "user:me";
    if (channel === "user:me") return channel;
    const tag = /^tag:(.+)$/.exec(channel)?.[1];
    if (tag === undefined)
      throw new TypeError(`"${channel}" is no channel of jobs: it is user:me or tag:<name>`);
    return `tag:${tag}`;
  }

  get #limit(): number {
    const limit = Number.parseInt(this.getAttribute("limit") ?? "", 10);
    return limit > 0 ? limit : LIMIT;
  }

  /** Those with one of the statuses, the newest first: ids sort as their jobs were made. */
  #chosen(): JobState[] {
    const statuses = (this.getAttribute("status") ?? "").split(/\s+/).filter((status) => status !== "");
    return [...this.#states.values()]
      .filter(({ status }) => statuses.length === 0 || (status !== null && statuses.includes(status)))
      .sort((one, other) => (one.id < other.id ? 1 : -1));
  }

  /** Draw one row where it belongs; returns what there is to read out. */
  #drawRow(state: JobState, at: number, labels: Labels): string[] {
    const row = this.#rows.get(state.id) ?? this.#newRow(state.id);
    const before = row.status;
    const there = this.#list.children[at] ?? null;
    if (there !== row.element) this.#list.insertBefore(row.element, there);
    row.draw(state, labels, this.readonly);
    if (before === null || before === state.status) return [];
    return [`${nameLabel(labels, state.name)}: ${statusLabel(labels, state.status, state.error)}`];
  }

  #newRow(id: string): JobRow {
    const host = {
      node: this,
      render: this.#render,
      tell: (type: string, detail: unknown) => this.tell(type, detail),
      changed: () => this.frame.request(),
    };
    const url = `${this.#url}/${id}`;
    const row = new JobRow(host, () => ({ jobs: this.client(this.#url), id, url, token: this.token }));
    this.#rows.set(id, row);
    return row;
  }

  /** Take the other rows away; returns where the keyboard was if it was in one of them, else -1. */
  #removeAllBut(shown: ReadonlySet<string>): number {
    const focused = this.tree.activeElement;
    let lost = -1;
    for (const [id, row] of this.#rows) {
      if (shown.has(id)) continue;
      if (row.element.contains(focused)) lost = [...this.#list.children].indexOf(row.element);
      row.element.remove();
      this.#rows.delete(id);
    }
    return lost;
  }

  #rowAt(index: number): JobRow | undefined {
    const node = this.#list.children[index];
    return [...this.#rows.values()].find((row) => row.element === node);
  }

  #showMore(): void {
    const shown = this.#list.childElementCount;
    this.#more += this.#limit;
    this.frame.now();
    this.#rowAt(shown)?.focus();
  }

  #clear(): void {
    this.#rows.clear();
    this.#list.replaceChildren();
  }
}
