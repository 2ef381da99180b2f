/** Web Locks (W3C): what is held as long as its tab lives, however that ends. */

/** The part of `navigator.locks` that is used. */
export interface Locks {
  request(
    name: string,
    options: { signal: AbortSignal } | { steal: true },
    run: () => Promise<void>,
  ): Promise<unknown>;
}

interface Holding {
  /** Take it from who has it, at once. */
  readonly steal?: boolean;
  readonly granted: () => void;
  /** It was stolen; or, with `forbidden`, the browser grants no locks here. */
  readonly lost?: (forbidden: boolean) => void;
}

/** Wait for a lock, and hold it; returns how to give it up, granted or not. */
export function hold(locks: Locks, name: string, { steal, granted, lost }: Holding): () => void {
  const given = new AbortController();
  const { signal } = given;
  const held = () =>
    new Promise<void>((release) => {
      if (signal.aborted) return release();
      signal.addEventListener("abort", () => release());
      granted();
    });
  // Who steals may not give a signal as well (Web Locks, 3.2).
  locks.request(name, steal ? { steal } : { signal }, held).catch((reason: unknown) => {
    if (!signal.aborted) lost?.(!(reason instanceof DOMException && reason.name === "AbortError"));
  });
  return () => given.abort();
}
