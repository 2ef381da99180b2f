import { PushjobsError } from "../errors.ts";
import { noAnswer } from "../problems.ts";

/** Why a transport went down. */
export interface Failure {
  readonly error?: PushjobsError | undefined;
  /** Milliseconds before which the server does not want to be tried again. */
  readonly after?: number | null;
  /** It connected, and nothing was heard: something in between holds it back. */
  readonly silent?: boolean;
  /** The network lets short requests through, and not what this transport needs. */
  readonly unfit?: boolean;
  /** Nothing is wrong with the transport: a token could not be got. */
  readonly blameless?: boolean;
  /** The server said not to come back. */
  readonly refused?: boolean;
}

/** There is nothing to follow now. */
export class Unavailable extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super();
    this.failure = failure;
  }
}

/** Why it came to nothing, whatever was thrown. */
export function failureOf(cause: unknown): Failure {
  if (cause instanceof Unavailable) return cause.failure;
  return { error: cause instanceof PushjobsError ? cause : noAnswer(cause) };
}
