/** Where a 202 says that its job is: the URL of the job's events, less the last segment. */
const MONITOR = /<([^>]+)\/events>;[^,]*\brel="?monitor\b/;

/** The path or URL of the job that a response says to follow; undefined where it says no such thing. */
export function monitorOf({ status, headers }: Response): string | undefined {
  return status === 202 ? MONITOR.exec(headers.get("Link") ?? "")?.[1] : undefined;
}
