/** What a visitor is told of the connection, beside what they are told of the job. */

import type { ConnectionState } from "../source.ts";
import { because, type Labels } from "./labels.ts";

/** A kind of trouble, or none. */
export type Trouble = "lost" | "offline" | "refused" | null;

/** The trouble that a connection has; a new try is no news until it has come off. */
export function troubleOf(state: ConnectionState, before: Trouble): Trouble {
  switch (state.status) {
    case "waiting":
      return "lost";
    case "offline":
    case "refused":
      return state.status;
    case "connecting":
      return before;
    default:
      return null;
  }
}

/** What is said of it; `error` is why, where the server has refused. */
export function troubleText(labels: Labels, trouble: Trouble, error: Error | null): string {
  if (trouble === null) return "";
  return trouble === "refused" ? because(labels, trouble, error) : labels[trouble];
}
