/** A job in a list. */

import type { JobState } from "../job.ts";
import type { Status } from "../wire.ts";
import { JobActions, type JobTarget } from "./job-actions.ts";
import { creationOf } from "./job-address.ts";
import { isRetryable, JobView, jobMarkup } from "./job-view.ts";
import { type Labels, nameLabel } from "./labels.ts";
import { element, markupOf } from "./markup.ts";

/** Draws a job into its row, in place of the view. */
export type RenderRow = (row: HTMLElement, state: JobState) => void;

/** The list that a row is in. */
export interface RowHost {
  /** Has the `<template>` of the rows, if there is one. */
  readonly node: Element;
  readonly render: RenderRow | null;
  /** Dispatch an event; false where that is to be the end of it. */
  tell(type: string, detail: unknown): boolean;
  /** The row is to be drawn again. */
  changed(): void;
}

export class JobRow {
  readonly element: HTMLElement = element("li", { part: "row" });
  readonly #target: () => JobTarget;
  readonly #render: RenderRow | null;
  readonly #actions: JobActions;
  readonly #view: JobView | null;
  #state: JobState | null = null;
  #drawn: readonly unknown[] = [];

  constructor(host: RowHost, target: () => JobTarget) {
    this.#target = target;
    this.#render = host.render;
    this.#actions = new JobActions(target, {
      changed: () => host.changed(),
      retried: (job) => void host.tell("job-retry", job),
    });
    this.#view = this.#render ? null : this.#newView(host);
  }

  /** The status that was drawn last; null before the first drawing. */
  get status(): Status | null {
    return this.#state?.status ?? null;
  }

  /** Draw what is other than before; nothing, mostly. */
  draw(state: JobState, labels: Labels, readonly: boolean): void {
    const { busy, cancelling } = this.#actions;
    const note = this.#actions.note(labels);
    const drawn = [state, labels, readonly, busy, cancelling, note];
    if (drawn.every((item, at) => item === this.#drawn[at])) return;
    this.#drawn = drawn;
    this.#state = state;
    this.#render?.(this.element, state);
    this.#view?.draw({
      name: nameLabel(labels, state.name),
      retryable: isRetryable(state.name),
      url: this.#target().url,
      created: state.document ? new Date(state.document.created_at) : creationOf(state.id),
      state,
      status: null,
      percent: null,
      connection: "",
      note,
      busy,
      cancelling,
      readonly,
      labels,
    });
  }

  /** Give the keyboard to what can be done with the job. */
  focus(): void {
    this.#view?.focus();
  }

  #newView(host: RowHost): JobView {
    const root = markupOf(host.node, () => jobMarkup(false));
    // A slot's name counts once in a tree: each row has one of its own for what the page shows.
    root.querySelector("slot[name=result]")?.setAttribute("name", `result-${this.#target().id}`);
    this.element.append(root);
    return new JobView(root, {
      cancel: () => void (host.tell("job-cancel", this.#state) && this.#actions.cancel()),
      retry: () => void this.#actions.retry(),
      open: (click) => void this.#actions.open(click),
    });
  }
}
