/** The cursor of many channels: that of each, in the order of the request (`docs/protocol.md`). */

const SEPARATOR = "~";
const UNKNOWN = "-";

/** Whether it is a place between two events: `earliest`, and none, name no such place. */
export function isPlace(cursor: string | null | undefined): cursor is string {
  return Boolean(cursor) && cursor !== "earliest";
}

/** One cursor from that of each channel, null for one without; null where none has one. */
export function joinCursors(cursors: readonly (string | null)[]): string | null {
  return cursors.some(Boolean) ? cursors.map((cursor) => cursor ?? UNKNOWN).join(SEPARATOR) : null;
}

/** The cursor of each of `count` channels; null where the text is no cursor of so many. */
export function splitCursors(text: string, count: number): (string | null)[] | null {
  const parts = text.split(SEPARATOR);
  return parts.length === count ? parts.map((part) => (part === UNKNOWN ? null : part)) : null;
}
