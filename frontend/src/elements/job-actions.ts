/** What a visitor does to a job: one thing at a time, and what came of it. */

import type { Jobs } from "../client.ts";
import { PushjobsError } from "../errors.ts";
import type { TokenSource } from "../source.ts";
import type { JobDocument } from "../wire.ts";
import { download } from "./download.ts";
import { because, type Labels } from "./labels.ts";

/** The job, and by what right. */
export interface JobTarget {
  readonly jobs: Jobs;
  readonly id: string;
  readonly url: string;
  readonly token: TokenSource | null;
}

/** What is told to who shows the actions. */
export interface JobActionsListener {
  /** `busy`, `cancelling` or `note` tells other than before. */
  changed(): void;
  /** The job is another one now. */
  retried(job: JobDocument): void;
}

export class JobActions {
  readonly #target: () => JobTarget;
  readonly #listener: JobActionsListener;
  #busy = false;
  #cancelling = false;
  #failure: unknown = null;

  constructor(target: () => JobTarget, listener: JobActionsListener) {
    this.#target = target;
    this.#listener = listener;
  }

  /** Whether an answer is awaited. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Whether the job has been told to end, and has yet to. */
  get cancelling(): boolean {
    return this.#cancelling;
  }

  /** Why the last action failed; empty where it did not. */
  note(labels: Labels): string {
    return this.#failure === null ? "" : because(labels, "unsuccessful", this.#failure);
  }

  async cancel(): Promise<void> {
    if (this.#cancelling) return;
    await this.#act(async ({ jobs, id, token }) => {
      await jobs.cancel(await reference(id, token));
      this.#cancelling = true;
    });
  }

  async retry(): Promise<void> {
    await this.#act(async ({ jobs, id, token }) => {
      this.#listener.retried(await jobs.retry(await reference(id, token)));
    });
  }

  /** Follow the link to the response; where a token is needed, which a link does not send, save it. */
  async open(click: MouseEvent): Promise<void> {
    const { token, url } = this.#target();
    if (token === null) return;
    click.preventDefault();
    await this.#act(async () => download(`${url}/response`, await textOf(token)));
  }

  async #act(work: (target: JobTarget) => Promise<void>): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    this.#failure = null;
    this.#listener.changed();
    try {
      await work(this.#target());
    } catch (error) {
      // It was over before: its state says so.
      if (!(error instanceof PushjobsError && error.code === "conflict")) this.#failure = error;
    }
    this.#busy = false;
    this.#listener.changed();
  }
}

async function reference(id: string, token: TokenSource | null): Promise<{ id: string; token?: string }> {
  return token === null ? { id } : { id, token: await textOf(token) };
}

async function textOf(token: TokenSource): Promise<string> {
  return typeof token === "string" ? token : token();
}
