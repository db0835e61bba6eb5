/** The table of semantics 1.4, written for the kit from that text alone. */
import type { Status } from "../../core/intent/Intent.ts"

const table: { readonly [from in Status]: ReadonlyArray<Status> } = {
  draft: ["active", "blocked", "completed", "abandoned"],
  pending: ["active", "blocked", "completed", "abandoned"],
  active: ["blocked", "completed", "abandoned"],
  blocked: ["active", "abandoned"],
  completed: [],
  abandoned: []
}

/** Whether a client may make this change, its gates aside. */
export const mayBecome = (from: Status, to: Status): boolean => table[from].includes(to)

/** `[D]`: all dependencies must be completed. */
export const needsDependencies = (to: Status): boolean => to === "active" || to === "completed"

export const isOver = (status: Status): boolean => status === "completed" || status === "abandoned"
