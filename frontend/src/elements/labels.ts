/** What the elements say, in English unless the page says otherwise. */

import { PushjobsError } from "../errors.ts";
import { isOver, type Problem, type Status } from "../wire.ts";

/** The texts; `{why}` stands for what the server or the network said. */
export interface Labels {
  readonly unknown: string;
  readonly scheduled: string;
  readonly queued: string;
  readonly running: string;
  readonly retrying: string;
  readonly resuming: string;
  readonly cancelling: string;
  readonly succeeded: string;
  readonly failed: string;
  readonly cancelled: string;
  readonly lost: string;
  readonly offline: string;
  readonly refused: string;
  readonly job: string;
  readonly output: string;
  readonly incomplete: string;
  readonly preview: string;
  readonly result: string;
  readonly cancel: string;
  readonly retry: string;
  readonly unsuccessful: string;
  readonly jobs: string;
  readonly empty: string;
  readonly more: string;
  /** What jobs of a name are called, in place of the name; `problem:<code>`, what is said of one. */
  readonly [name: string]: string;
}

export const ENGLISH: Labels = {
  unknown: "Asking how it is",
  scheduled: "Waiting for its time",
  queued: "Waiting for its turn",
  running: "In progress",
  retrying: "Something went wrong; it is tried again",
  resuming: "The server starts anew; this goes on by itself",
  cancelling: "Being cancelled",
  succeeded: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
  lost: "The connection is lost; trying again",
  offline: "There is no network; it goes on when there is",
  refused: "This cannot be followed: {why}",
  job: "Job",
  output: "Output",
  incomplete: "Some of the output is not shown",
  preview: "Result",
  result: "Open the result",
  cancel: "Cancel",
  retry: "Try again",
  unsuccessful: "That did not work: {why}",
  jobs: "Jobs",
  empty: "No jobs yet",
  more: "Show more",
};

/**
 * The labels of an element: its own, then those of the page (a JSON script with the id
 * `pushjobs-labels`, as `{% pushjobs_script %}` makes it), then English.
 */
export function labelsOf(...own: (Partial<Labels> | null)[]): Labels {
  const page = document.querySelector("script#pushjobs-labels");
  const texts = [parseLabels(page?.textContent ?? null), ...own].flatMap((labels) =>
    Object.entries(labels ?? {}).flatMap(([name, text]) => (typeof text === "string" ? [[name, text]] : [])),
  );
  return { ...ENGLISH, ...Object.fromEntries(texts) };
}

/** Labels as JSON. What is none is reported, and left out: a page without them is still of use. */
export function parseLabels(text: string | null): Partial<Labels> | null {
  if (!text) return null;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed;
  } catch {
    // Reported below, as other JSON is.
  }
  console.error(`pushjobs: labels are a JSON object of texts, not ${text}`);
  return null;
}

/** What a job is called. Its name may be that of another label, or of what any object has. */
export function nameLabel(labels: Labels, name: string | null): string {
  if (name === null) return labels.job;
  const own = Object.hasOwn(labels, name) && !Object.hasOwn(ENGLISH, name);
  return (own && labels[name]) || name;
}

/** What is said of how a job stands. */
export function statusLabel(labels: Labels, status: Status | null, error: Problem | null): string {
  if (status === null) return labels.unknown;
  if (error === null || isOver(status) || status === "running") return labels[status];
  return error.type.endsWith(":worker-stopped") ? labels.resuming : labels.retrying;
}

/** A label with its `{why}`: in the page's words, where it has some for the problem. */
export function because(labels: Labels, label: "refused" | "unsuccessful", error: unknown): string {
  const said = error instanceof Error ? error.message : String(error ?? "");
  const why = error instanceof PushjobsError ? problemLabel(labels, error.problem) : said;
  return labels[label].replace("{why}", () => why);
}

/** What is said of a problem: the label `problem:` and what comes last in its type, or its own words. */
export function problemLabel(labels: Labels, { type, title, detail }: Problem): string {
  return labels[`problem:${type.split(":").at(-1)}`] ?? detail ?? title;
}
