/** The state machine of intents (semantics 1.4). */
import type { Status } from "./Intent.ts"

/** Where a client may move an intent from each status; staying is always allowed and changes nothing. */
const edges: { readonly [from in Status]: ReadonlyArray<Status> } = {
  draft: ["active", "blocked", "completed", "abandoned"],
  pending: ["active", "blocked", "completed", "abandoned"],
  active: ["blocked", "completed", "abandoned"],
  // To pending only by itself, when the last dependency is completed.
  blocked: ["active", "abandoned"],
  completed: [],
  abandoned: []
}

export const mayMove = (from: Status, to: Status): boolean => edges[from].includes(to)

/** Statuses that need all dependencies completed: `[D]` in the table. */
export const needsDependencies = (to: Status): boolean => to === "active" || to === "completed"
