/** Keys whose stored figure has fallen behind the log: noted on the path of commits and reads, worked off in the background. */

import { makeForgetting } from "./forgetting.ts"

/** Rows after which a stored figure is moved on: what a reader has to add up by itself stays about this short. */
const foldAfter = 256
/** Keys whose rows since the last fold are known to this process; then the one that came first is forgotten. */
const trackedMax = 10_000

export interface Backlog {
  /** One more row belongs to the key. */
  readonly added: (key: string) => void
  /** A reader found this many rows behind the stored figure. */
  readonly found: (key: string, rows: number) => void
  /** The figure of the key was moved on to its last row. */
  readonly folded: (key: string) => void
  /** Those that have fallen behind. */
  readonly keys: ReadonlySet<string>
}

export const makeBacklog = (): Backlog => {
  const since = new Map<string, number>()
  const forget = makeForgetting(since)
  const keys = new Set<string>()
  return {
    added: (key) => {
      const rows = (since.get(key) ?? 0) + 1
      if (rows >= foldAfter) keys.add(key)
      if (since.size >= trackedMax && !since.has(key)) forget()
      since.set(key, rows)
    },
    found: (key, rows) => {
      if (rows >= foldAfter) keys.add(key)
    },
    folded: (key) => {
      keys.delete(key)
      since.delete(key)
    },
    keys
  }
}
