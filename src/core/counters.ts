/** Running figures of the intents, kept by the commits that change them (decision 11). */
import type { Write } from "./Aggregate.ts"
import type { Intent, Status } from "./intent/Intent.ts"

export const statusCounter = (status: Status) => `intents/status/${status}`
export const parentCounter = (parentIntentId: string) => `intents/parent/${parentIntentId}`
export const creatorCounter = (createdBy: string) => `intents/creator/${createdBy}`

const none: ReadonlyMap<string, number> = new Map()

const createdCounters = (intent: Intent): ReadonlyArray<string> => [
  creatorCounter(intent.createdBy),
  ...(intent.parentIntentId === null ? [] : [parentCounter(intent.parentIntentId)])
]

/** What the writes of a commit add to each figure. */
export const counterDeltas = (writes: ReadonlyArray<Write>): ReadonlyMap<string, number> => {
  let deltas: Map<string, number> | undefined
  const add = (key: string, by: number) => {
    deltas ??= new Map()
    deltas.set(key, (deltas.get(key) ?? 0) + by)
  }
  for (const write of writes) {
    if (write._tag !== "Put" || write.table !== "intents") continue
    const { before, record } = write
    if (before === undefined) for (const key of createdCounters(record)) add(key, 1)
    if (before?.status === record.status) continue
    if (before !== undefined) add(statusCounter(before.status), -1)
    add(statusCounter(record.status), 1)
  }
  return deltas ?? none
}
