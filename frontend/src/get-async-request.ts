/** `$.getAsyncRequest` of old, without jQuery: a slow GET with a handler for its end and for errors. */

import { fetchAsync } from "./fetch-async.ts";

/** A request under way. A handler that comes late is called all the same. */
export interface AsyncRequest {
  /** Told the body of a response with a status from 200 to 299: JSON as what it says, else text. */
  success(handler: (body: unknown, response: Response) => void): AsyncRequest;
  /** Told the response of any other status, or why there is none: a `TimeoutError`, a `TypeError`… */
  error(handler: (why: unknown) => void): AsyncRequest;
}

/**
 * Get what `url` answers with, however long that takes: `timeout` milliseconds at most, where it is
 * given. For new code there is `fetchAsync`.
 */
export function getAsyncRequest(url: string | URL, timeout?: number): AsyncRequest {
  const answer = fetchAsync(url, { timeout }).then(async (response) => {
    if (!response.ok) throw response;
    const json = /\bjson\b/.test(response.headers.get("Content-Type") ?? "");
    const body: unknown = await (json ? response.json() : response.text());
    return { body, response };
  });
  const request: AsyncRequest = {
    success(handler) {
      // What the handler throws is an unhandled rejection, and told as such.
      answer.then(
        ({ body, response }) => handler(body, response),
        () => {},
      );
      return request;
    },
    error(handler) {
      answer.catch(handler);
      return request;
    },
  };
  answer.catch(() => {});
  return request;
}
