/** What is drawn of one job. It finds its parts by name, and does without those that are not there. */

import type { JobState } from "../job.ts";
import { isOver, type Json, type Status } from "../wire.ts";
import { type Labels, problemLabel, statusLabel } from "./labels.ts";
import { element, setAttribute, setNote, setText } from "./markup.ts";
import { OutputLog } from "./output-log.ts";

/** All that a drawing depends on. */
export interface JobModel {
  /** What the job is called. */
  readonly name: string;
  /** Whether it could be submitted once more, were it to fail. */
  readonly retryable: boolean;
  /** Where it is: its document's URL; null where that is not known. */
  readonly url: string | null;
  /** When it was made. */
  readonly created: Date | null;
  /** Its state; null until the first event. Until then, the next two count. */
  readonly state: JobState | null;
  readonly status: Status | null;
  readonly percent: number | null;
  /** What there is to say of the connection; empty where it is well. */
  readonly connection: string;
  /** What came of the visitor's last action, where it failed. */
  readonly note: string;
  /** Whether an action is under way. */
  readonly busy: boolean;
  /** Whether the visitor has asked to cancel it. */
  readonly cancelling: boolean;
  /** Whether the visitor may only look. */
  readonly readonly: boolean;
  readonly labels: Labels;
}

/** What a visitor may do. */
export interface JobCommands {
  cancel(): void;
  retry(): void;
  open(click: MouseEvent): void;
}

/** Characters of a result that are shown beside the link to all of it. */
const PREVIEW = 2_000;

/** Whether a job of this name can be retried: a view's request, only its client can send again. */
export function isRetryable(name: string | null): boolean {
  return name !== "pushjobs.view";
}

let views = 0;

/** The parts of a job, where the page brings no template; alone it is a live region, in a list not. */
export function jobMarkup(alone: boolean): HTMLElement {
  const live = { role: "status", "aria-atomic": "false" };
  return element(
    "div",
    { part: "job", role: "group", tabindex: "-1" },
    element(
      "div",
      { part: "header" },
      element("span", { part: "name" }),
      ...(alone ? [] : [element("time", { part: "time" })]),
      element("span", { part: "percent", "aria-hidden": "true" }),
    ),
    element(
      "div",
      { part: "state", ...(alone ? live : {}) },
      element("span", { part: "status" }),
      element("span", { part: "connection" }),
      element("span", { part: "note", ...(alone ? {} : live) }),
    ),
    element("progress", { part: "bar", max: "100" }),
    element("p", { part: "message" }),
    element("pre", { part: "output", role: "log", "aria-live": "off", tabindex: "0" }),
    element("p", { part: "incomplete" }),
    element("p", { part: "error" }),
    element("slot", { name: "result" }, element("pre", { part: "result", role: "group", tabindex: "0" })),
    element(
      "div",
      { part: "actions" },
      element("a", { part: "link" }),
      element("button", { part: "button cancel", type: "button" }),
      element("button", { part: "button retry", type: "button" }),
    ),
  );
}

export class JobView {
  readonly #root: HTMLElement;
  readonly #parts = new Map<string, HTMLElement>();
  readonly #log: OutputLog | null;

  /** Draws into `root`, which has the parts in it. */
  constructor(root: HTMLElement, commands: JobCommands) {
    this.#root = root;
    const key = ++views;
    for (const node of [root, ...root.querySelectorAll<HTMLElement>("[part]")]) {
      for (const name of node.getAttribute("part")?.split(/\s+/) ?? []) {
        this.#parts.set(name, node);
        node.id = `${name}-${key}`;
      }
    }
    const output = this.#part("output");
    this.#log = output && new OutputLog(output);
    for (const name of ["cancel", "retry"] as const) {
      const button = this.#part(name);
      button?.addEventListener("click", () => button.hasAttribute("aria-disabled") || commands[name]());
    }
    this.#part("link")?.addEventListener("click", (click) => commands.open(click));
    const called = [this.#part("name"), this.#part("time")]
      .flatMap((node) => (node ? [node.id] : []))
      .join(" ");
    // Each control is named by itself and the job: "Cancel Report".
    setAttribute(this.#part("job"), "aria-labelledby", called);
    setAttribute(this.#part("bar"), "aria-labelledby", called);
    for (const name of ["cancel", "retry", "link", "output", "result"]) {
      const node = this.#part(name);
      setAttribute(node, "aria-labelledby", `${node?.id} ${called}`);
    }
  }

  draw(model: JobModel): void {
    const { state, labels } = model;
    const status = state?.status ?? model.status;
    const over = status !== null && isOver(status);
    const focused = this.#focused();
    this.#root.dataset.status = status ?? "unknown";

    setText(this.#part("name"), model.name);
    this.#drawTime(model.created);
    const said =
      model.cancelling && !over ? labels.cancelling : statusLabel(labels, status, state?.error ?? null);
    setText(this.#part("status"), said);
    setText(this.#part("connection"), over ? "" : model.connection);
    setText(this.#part("note"), model.note);
    this.#drawProgress(status, state ? (state.progress?.percent ?? null) : model.percent);
    setNote(this.#part("message"), over ? "" : (state?.progress?.message ?? ""));
    this.#log?.show(state?.output ?? "");
    setAttribute(this.#part("output"), "aria-label", labels.output);
    const partial = state !== null && (!state.outputComplete || state.outputTruncated);
    setNote(this.#part("incomplete"), partial && state.output !== "" ? labels.incomplete : "");
    const error = status === "failed" ? state?.error : null;
    setNote(this.#part("error"), error ? problemLabel(labels, error) : "");
    setNote(this.#part("result"), status === "succeeded" ? preview(state?.result ?? null) : "");
    setAttribute(this.#part("result"), "aria-label", labels.preview);

    const link = this.#part("link");
    setAttribute(link, "href", model.url && `${model.url}/response`);
    this.#drawControl(link, labels.result, status === "succeeded" && model.url !== null, model.busy);
    const own = !model.readonly;
    const again = (status === "failed" || status === "cancelled") && model.retryable;
    const cancellable = status !== null && !over;
    this.#drawControl(
      this.#part("cancel"),
      labels.cancel,
      own && cancellable,
      model.busy || model.cancelling,
    );
    this.#drawControl(this.#part("retry"), labels.retry, own && again, model.busy);
    if (focused?.hidden) this.focus();
  }

  /** Give the keyboard what it can act on next, or else the job as a whole. */
  focus(): void {
    const controls = ["link", "cancel", "retry"].map((name) => this.#part(name));
    (controls.find((node) => node && !node.hidden) ?? this.#part("job"))?.focus();
  }

  #part(name: string): HTMLElement | null {
    return this.#parts.get(name) ?? null;
  }

  #focused(): HTMLElement | null {
    const tree = this.#root.getRootNode();
    const active = tree instanceof ShadowRoot ? tree.activeElement : document.activeElement;
    return active instanceof HTMLElement && this.#root.contains(active) ? active : null;
  }

  #drawTime(created: Date | null): void {
    const time = this.#part("time");
    if (!time) return;
    const known = created && !Number.isNaN(created.getTime()) ? created : null;
    setAttribute(time, "datetime", known?.toISOString() ?? null);
    setText(time, known ? times(language()).format(known) : "");
  }

  #drawProgress(status: Status | null, known: number | null): void {
    // What has not begun has done nothing yet; what has ended moves no more.
    const value = status === "succeeded" ? 100 : status === "running" ? known : (known ?? 0);
    const text = value === null ? "" : percents(language()).format(Math.floor(value) / 100);
    setNote(this.#part("percent"), status === "running" ? text : "");
    const bar = this.#part("bar");
    if (bar instanceof HTMLProgressElement) setAttribute(bar, "value", value === null ? null : String(value));
    else setAttribute(bar, "aria-valuenow", value === null ? null : String(value));
    setAttribute(bar, "aria-valuetext", text || null);
    bar?.style.setProperty("--percent", value === null ? "" : String(value));
  }

  #drawControl(node: HTMLElement | null, text: string, shown: boolean, disabled: boolean): void {
    if (!node) return;
    if (node.childElementCount === 0) setText(node, text); // A template may have an icon in it.
    node.hidden = !shown;
    setAttribute(node, "aria-disabled", disabled ? "true" : null); // `disabled` would lose the focus.
  }
}

/** The beginning of a result, for reading. */
function preview(result: Json): string {
  if (result === null) return "";
  const text = typeof result === "string" ? result : JSON.stringify(result, null, 2);
  return text.length > PREVIEW ? `${text.slice(0, PREVIEW)}…` : text;
}

function language(): string {
  return document.documentElement.lang;
}

const times = formats((lang) => new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" }));
const percents = formats((lang) => new Intl.NumberFormat(lang, { style: "percent" }));

/** Formats are dear to make: one for each language. An empty or wrong one is the browser's. */
function formats<T>(make: (lang: string | undefined) => T): (lang: string) => T {
  const made = new Map<string, T>();
  return (lang) => {
    const format = made.get(lang) ?? tolerant(make, lang);
    made.set(lang, format);
    return format;
  };
}

function tolerant<T>(make: (lang: string | undefined) => T, lang: string): T {
  try {
    return make(lang || undefined);
  } catch {
    return make(undefined);
  }
}
