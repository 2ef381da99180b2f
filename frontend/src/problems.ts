/** Answers that refuse, and no answer at all, as errors. */

import { PushjobsError } from "./errors.ts";
import type { Problem } from "./wire.ts";

/** An error of this client's making: `slug` is what its `code` says; `status` 0: no answer. */
export function problem(slug: string, title: string, status = 0, cause?: unknown): PushjobsError {
  return new PushjobsError({ type: `urn:pushjobs:problem:${slug}`, title, status }, { cause });
}

/** The request has failed as such: no network, no server, or another origin that does not let us. */
export function noAnswer(cause: unknown): PushjobsError {
  return problem("no-answer", "The server does not answer", 0, cause);
}

/** The error that a response carries: its problem document, or what stands for one. */
export async function refusal(response: Response): Promise<PushjobsError> {
  const { status } = response;
  // Proxies answer in HTML, or in nothing.
  const body: unknown = await response.json().catch(() => null);
  if (isProblem(body)) return new PushjobsError({ ...body, status });
  return problem(`http-${status}`, `The server answered with status ${status}`, status);
}

function isProblem(body: unknown): body is Problem {
  if (typeof body !== "object" || body === null || !("type" in body && "title" in body)) return false;
  return typeof body.type === "string" && typeof body.title === "string";
}
