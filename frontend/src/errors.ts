import type { Problem } from "./wire.ts";

/** What the server refused, or what became of a job; `problem` is its document (RFC 9457). */
export class PushjobsError extends Error {
  override readonly name: string = "PushjobsError";
  readonly problem: Problem;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.detail ?? problem.title, options);
    this.problem = problem;
  }

  /** The HTTP status; 0 where there was no answer. */
  get status(): number {
    return this.problem.status;
  }

  /** What comes last in the problem's type, by which to decide: `not-found`, `unauthorized`… */
  get code(): string {
    return this.problem.type.split(":").at(-1) ?? "";
  }
}

/** The job has failed; `problem` is its error. */
export class JobFailed extends PushjobsError {
  override readonly name = "JobFailed";
}

/** The job was cancelled. */
export class JobCancelled extends PushjobsError {
  override readonly name = "JobCancelled";
}
