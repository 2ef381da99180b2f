/** Keeps back what another tab's connection brings until the server lets this tab have it. */

import type { Item } from "./messages.ts";

interface Withholding {
  /** Where the follower stands. */
  readonly cursor: string | null | undefined;
  /** Whether the server gives this tab what follows this cursor of the other. */
  readonly prove: (cursor: string) => Promise<boolean>;
  readonly deliver: (item: Item) => void;
  /** It does not, or that cannot be known. */
  readonly refuse: () => void;
}

/** Returns what takes the items. Each is delivered in its turn once the first cursor is proven. */
export function withhold({ cursor, prove, deliver, refuse }: Withholding): (item: Item) => void {
  let held: Item[] | null = [];
  let proving = false;

  const proven = (is: boolean) => {
    if (!is) return refuse();
    const items = held ?? [];
    held = null;
    items.forEach(deliver);
  };

  return (item) => {
    if (item.end === "failed") return refuse();
    if (!held) return deliver(item);
    held.push(item);
    const shown = item.cursor ?? (item.end && cursor);
    if (proving || (!shown && !item.end)) return;
    proving = true;
    if (shown) prove(shown).then(proven);
    else refuse();
  };
}
