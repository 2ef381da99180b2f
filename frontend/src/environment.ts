/**
 * What the client needs of the world around it. A test gives it another one; in a browser it is
 * `globalThis`.
 */

/** The part of a `WebSocket` that is used. */
export interface SocketLike {
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export interface Environment {
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
  /** Missing where the platform has no WebSocket: that transport is then left out. */
  readonly socket: ((url: string) => SocketLike) | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** Call `run` after so many milliseconds; returns how to take that back. */
  readonly after: (milliseconds: number, run: () => void) => () => void;
  readonly online: () => boolean;
  readonly visible: () => boolean;
  /** Call `run` when the network comes or goes, or the page is seen again; returns how to stop. */
  readonly onWake: (run: () => void) => () => void;
  /** What is remembered between visits; nothing where the browser forbids it. */
  readonly recall: (key: string) => string | null;
  readonly remember: (key: string, value: string) => void;
}

export function browserEnvironment(): Environment {
  const document = globalThis.document as Document | undefined;
  return {
    fetch: (url, init) => globalThis.fetch(url, init),
    socket: globalThis.WebSocket === undefined ? undefined : (url) => new WebSocket(url),
    now: () => Date.now(),
    random: () => Math.random(),
    after: (milliseconds, run) => {
      const timer = setTimeout(run, milliseconds);
      return () => clearTimeout(timer);
    },
    online: () => globalThis.navigator?.onLine !== false,
    visible: () => document?.visibilityState !== "hidden",
    onWake: (run) => {
      const heard = new AbortController();
      const { signal } = heard;
      for (const type of ["online", "offline", "pageshow"])
        globalThis.addEventListener?.(type, run, { signal });
      document?.addEventListener("visibilitychange", run, { signal });
      return () => heard.abort();
    },
    recall: (key) => {
      try {
        return localStorage.getItem(key);
      } catch {
        return null;
      }
    },
    remember: (key, value) => {
      try {
        localStorage.setItem(key, value);
      } catch {
        // Private windows and full disks forget.
      }
    },
  };
}
