/** What goes into `POST /jobs`. */

import type { Call } from "./api.ts";

export interface SubmitOptions {
  /** By the names of the handler's file parameters; an array or `FileList` where it takes several. */
  readonly files?: Readonly<Record<string, Blob | Iterable<Blob>>> | undefined;
  /** 20 at most, of 100 characters. */
  readonly tags?: readonly string[] | undefined;
  /** Not before this time (RFC 3339, if it is text). */
  readonly runAt?: Date | string | undefined;
  /** The same key with the same request is the same job. Without it each call makes a job. */
  readonly idempotencyKey?: string | undefined;
  /** Wait so many seconds for the job's end before the answer. */
  readonly wait?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Arguments of a job by name: what JSON can hold. */
export type Args = Readonly<Record<string, unknown>>;

/** The request that submits a job. It may be sent again: its key says that it is the same. */
export function submission(name: string, args: Args, options: SubmitOptions): Call {
  const { files, tags, runAt, idempotencyKey = randomKey(), wait, signal } = options;
  const headers = {
    "Idempotency-Key": idempotencyKey,
    ...(wait !== undefined && { Prefer: `wait=${wait}` }),
  };
  const fields = { name, args, tags, run_at: runAt instanceof Date ? runAt.toISOString() : runAt };
  return { headers, signal, body: files ? multipart(fields, files) : JSON.stringify(fields) };
}

function multipart(
  fields: Readonly<Record<string, unknown>>,
  files: NonNullable<SubmitOptions["files"]>,
): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) form.append(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  for (const [name, given] of Object.entries(files)) {
    if (!given) throw new TypeError(`there is no file for "${name}"`);
    for (const file of given instanceof Blob ? [given] : given) form.append(name, file);
  }
  return form;
}

/** 128 random bits; `crypto.randomUUID` is not there on pages without https. */
function randomKey(): string {
  return crypto.getRandomValues(new BigUint64Array(2)).join("-");
}
