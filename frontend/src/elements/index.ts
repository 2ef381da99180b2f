/** The entry with the elements: it defines them, and has the client as well. */

import { JobListElement } from "./job-list.ts";
import { JobProgressElement } from "./job-progress.ts";

export { clientFor } from "../clients.ts";
export * from "../index.ts";
export type { RenderRow } from "./job-row.ts";
export type { Labels } from "./labels.ts";
export { JobListElement, JobProgressElement };

declare global {
  interface HTMLElementTagNameMap {
    "job-list": JobListElement;
    "job-progress": JobProgressElement;
  }
}

// A page that loads two copies of this keeps the first.
if (!customElements.get("job-progress")) customElements.define("job-progress", JobProgressElement);
if (!customElements.get("job-list")) customElements.define("job-list", JobListElement);
