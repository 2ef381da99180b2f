/** Where a job is. */

export interface JobAddress {
  /** The API: all before the last part of the job's URL. */
  readonly api: string;
  readonly id: string;
  /** Of its document; what else there is of the job comes below it. */
  readonly url: string;
}

/** The parts of a job's URL, `/jobs/<id>`. Throws where it is none. */
export function addressOf(url: string): JobAddress {
  const [, api, id] = /^(.*[^/])\/+([\w-]+)\/*$/.exec(url) ?? [];
  if (api === undefined || id === undefined)
    throw new TypeError(`"${url}" is no job's URL, such as /jobs/<id>`);
  return { api, id, url: `${webAddress(api)}/${id}` };
}

/** `url`, if a server is there. Throws where it is a script, say, which a link to it would run. */
export function webAddress(url: string): string {
  const { protocol } = new URL(url, document.baseURI);
  if (!["http:", "https:", location.protocol].includes(protocol))
    throw new TypeError(`"${url}" is no address of a server`);
  return url;
}

/** When a job was made: a UUIDv7 says so (RFC 9562, section 5.7). Null for any other id. */
export function creationOf(id: string): Date | null {
  const [, high, low] = /^([\da-f]{8})-([\da-f]{4})-7/i.exec(id) ?? [];
  return high && low ? new Date(Number.parseInt(high + low, 16)) : null;
}
