/** Results that a plain link cannot get, since a token opens them and a link sends none. */

import { element } from "./markup.ts";

/** Get what is at `url` and hand it to the visitor as a file. Rejects where the server refuses. */
export async function download(url: string, token: string): Promise<void> {
  const headers = { "X-Job-Authorization": `Bearer ${token}` };
  let response = await fetch(url, { headers, redirect: "manual" });
  // A redirect would take the token along, to any origin: there the session's cookie may do.
  if (response.type === "opaqueredirect") response = await fetch(url);
  // A failure that the job itself answered with is its response too, but no file that one wants.
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
  const address = URL.createObjectURL(await response.blob());
  // Always saved, never shown: what is shown would be a page of this site.
  element("a", { href: address, download: fileName(response.headers.get("Content-Disposition")) }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // The browser may read it later.
}

/** The name in a `Content-Disposition` (RFC 6266); empty, for the browser's own choice, without. */
export function fileName(disposition: string | null): string {
  const encoded = /filename\*=utf-8''([^;]+)/i.exec(disposition ?? "")?.[1];
  if (encoded) {
    try {
      return decodeURIComponent(encoded.trim());
    } catch {
      // The other form may stand beside it.
    }
  }
  const [, quoted, plain] = /filename=(?:"((?:[^"\\]|\\.)*)"|([^;]+))/i.exec(disposition ?? "") ?? [];
  return quoted?.replace(/\\(.)/g, "$1") ?? plain?.trim() ?? "";
}
