/** `<job-progress src="/jobs/…">`: one job, live. */

import type { Jobs } from "../client.ts";
import type { JobState } from "../job.ts";
import type { JobSubscription } from "../subscription.ts";
import { isOver, type JobDocument, type JobEvent, type Status } from "../wire.ts";
import { JobActions } from "./job-actions.ts";
import { addressOf, type JobAddress } from "./job-address.ts";
import { isRetryable, JobView, jobMarkup } from "./job-view.ts";
import { nameLabel } from "./labels.ts";
import { LiveElement, type Wanted } from "./live-element.ts";
import { markupOf, setAttribute } from "./markup.ts";

const STATUSES: readonly Status[] = ["scheduled", "queued", "running", "succeeded", "failed", "cancelled"];

/**
 * Attributes: `src`, the job's URL; `token`; `cursor`, where its events begin (by default with the
 * first that are kept); `label`, what to call it; `labels`; `readonly`. `status` and `percent` are kept
 * up to date; with `name` they are what is shown before the first event.
 *
 * Events: `job-event` (a `JobEvent`), `job-over` (a `JobState`), `job-cancel` (cancelable; before it is
 * asked for), `job-retry` (the new job's document; cancelable: it is not shown then).
 */
export class JobProgressElement extends LiveElement<JobState> {
  static override readonly observedAttributes: readonly string[] = [...LiveElement.observedAttributes, "src"];

  #view: JobView | null = null;
  #state: JobState | null = null;
  #actions = this.#newActions();
  #job: JobDocument | null = null;
  /** That of a document which was shown: for its job only. */
  #jobToken: string | null = null;
  /** Whether the page knew that the job is over: then it is no news. */
  #knownOver = false;

  /** The job's URL. */
  get src(): string {
    return this.getAttribute("src") ?? "";
  }

  set src(src: string) {
    this.setAttribute("src", src);
  }

  /** The document of a job to show, in place of `src` and `token`; null where it was not set so. */
  get job(): JobDocument | null {
    return this.#job;
  }

  set job(job: JobDocument | null) {
    if (job === null) this.removeAttribute("src");
    else this.#show(job, job.links.self);
  }

  /** How the job stands; null until the first event. */
  get state(): JobState | null {
    return this.#state;
  }

  /** Ask for the job's end, without `job-cancel`. */
  async cancel(): Promise<void> {
    await this.#actions.cancel();
  }

  /** Submit a failed or cancelled job once more, and show that. */
  async retry(): Promise<void> {
    await this.#actions.retry();
  }

  protected override changed(name: string, before: string | null): void {
    super.changed(name, before);
    if (name !== "src") return;
    if (before !== null) this.#forget();
    this.refollow();
  }

  protected override wanted(): Wanted | null {
    if (!this.src) return null;
    const { api, id } = addressOf(this.src);
    return { url: api, channel: `job:${id}` };
  }

  protected override subscribe(jobs: Jobs): JobSubscription {
    const { id } = addressOf(this.src);
    const cursor = this.getAttribute("cursor") ?? "earliest";
    return jobs.subscribe(`job:${id}`, { token: this.token ?? undefined, cursor });
  }

  protected override reset(): void {
    const status = this.#status();
    this.#state = null;
    this.#knownOver = status !== null && isOver(status);
    this.#actions = this.#newActions();
  }

  protected override heard(_event: JobEvent, state: JobState): JobState | null {
    this.#state = state;
    if (!state.over || this.#knownOver) return null;
    this.#knownOver = true;
    return state;
  }

  protected override draw(): void {
    const { labels } = this;
    const state = this.#state;
    if (state) this.#reflect(state.status, state.progress?.percent ?? null);
    const percent = Number.parseFloat(this.getAttribute("percent") ?? "");
    const name = state?.name ?? this.getAttribute("name");
    this.#view ??= this.#newView();
    this.#view.draw({
      name: this.getAttribute("label") ?? nameLabel(labels, name),
      retryable: isRetryable(name),
      url: this.#address()?.url ?? null,
      created: null,
      state,
      status: this.#status(),
      percent: Number.isNaN(percent) ? null : percent,
      connection: this.trouble(labels),
      note: this.#actions.note(labels),
      busy: this.#actions.busy,
      cancelling: this.#actions.cancelling,
      readonly: this.readonly,
      labels,
    });
  }

  #newView(): JobView {
    const root = markupOf(this, () => jobMarkup(true));
    this.tree.replaceChildren(root);
    return new JobView(root, {
      cancel: () => void (this.tell("job-cancel", this.#state) && this.#actions.cancel()),
      retry: () => void this.#actions.retry(),
      open: (click) => void this.#actions.open(click),
    });
  }

  #newActions(): JobActions {
    const target = () => {
      const { api, id, url } = addressOf(this.src);
      return { jobs: this.client(api), id, url, token: this.token };
    };
    const actions = new JobActions(target, {
      changed: () => this.frame.request(),
      retried: (job) => {
        // The page may have gone on to another job since.
        const asked = this.#actions === actions;
        if (this.tell("job-retry", job) && asked) this.#show(job, `${addressOf(this.src).api}/${job.id}`);
      },
    });
    return actions;
  }

  #address(): JobAddress | null {
    try {
      return addressOf(this.src);
    } catch {
      return null; // It is told beside the status.
    }
  }

  #show(job: JobDocument, src: string): void {
    this.removeAttribute("cursor");
    if (this.src && this.src !== src) this.removeAttribute("token"); // It opens the other job.
    this.src = src;
    if (job.token !== undefined) this.token = this.#jobToken = job.token;
    this.#job = job;
    this.setAttribute("name", job.name);
    this.#reflect(job.status, job.progress?.percent ?? null);
  }

  /** What is known is of another job. */
  #forget(): void {
    this.#job = null;
    if (this.#jobToken !== null && this.token === this.#jobToken) this.token = null;
    this.#jobToken = null;
    this.removeAttribute("name");
    this.#reflect(null, null);
  }

  #reflect(status: Status | null, percent: number | null): void {
    setAttribute(this, "status", status);
    setAttribute(this, "percent", percent === null ? null : `${percent}`);
  }

  #status(): Status | null {
    return STATUSES.find((status) => status === this.getAttribute("status")) ?? null;
  }
}
