/** Which tabs share a connection: those that say the same name. */

const CSRF_COOKIE = /(?:^|; )[^;=]*csrftoken=([^;]*)/;

export interface Naming {
  /** The API's address, and the ways to it: tabs with others do not share. */
  readonly url: string;
  readonly transports?: readonly string[] | undefined;
  /** Whether the client has a token of its own. */
  readonly token?: unknown;
  /** False: not at all. A name: with those who give the same, whatever their tokens. */
  readonly share?: boolean | string | undefined;
}

/**
 * The name under which a client shares its connection; null where it does not, which is the default
 * for a client with a token. Django changes the CSRF cookie at each login, so that users have names
 * of their own where a page can read it. That parts them early; it is `prover` that makes sure.
 */
export function sharingName({ url, transports = [], token, share }: Naming, cookies: string): string | null {
  if (share === false || (share === undefined && token !== undefined)) return null;
  const who = typeof share === "string" ? share : (CSRF_COOKIE.exec(cookies)?.[1] ?? "");
  return ["pushjobs", url, transports.join("+"), digest(who)].join(" ");
}

/** Not the cookie itself: names of locks and channels are seen by any script and inspector. */
function digest(text: string): string {
  let sum = 0;
  for (const character of text) sum = (Math.imul(sum, 31) + character.charCodeAt(0)) | 0;
  return (sum >>> 0).toString(36);
}
