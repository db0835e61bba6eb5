/** Running figures of the intents, kept by the commits that change them (decision 11). */
import type { Write } from "./Aggregate.ts"
import type { Intent, Status } from "./intent/Intent.ts"

/** How many attachments an intent has, and how many bytes of their contents are stored here. */
export const attachmentCounter = (intentId: string) => `attachments/intent/${intentId}`
export const attachmentBytesCounter = (intentId: string) => `attachments/bytes/${intentId}`
export const statusCounter = (status: Status) => `intents/status/${status}`
export const parentCounter = (parentIntentId: string) => `intents/parent/${parentIntentId}`
export const failureCounter = (intentId: string) => `failures/intent/${intentId}`
export const creatorCounter = (createdBy: string) => `intents/creator/${createdBy}`

/** How often an API key was made or revoked. */
export const apiKeyChanges = "api_keys/changes"

/** Members of a portfolio that have a status. */
export const memberCounter = (portfolioId: string, status: Status) => `portfolios/${portfolioId}/${status}`

const none: ReadonlyMap<string, number> = new Map()

const createdCounters = (intent: Intent): ReadonlyArray<string> => [
  creatorCounter(intent.createdBy),
  ...(intent.parentIntentId === null ? [] : [parentCounter(intent.parentIntentId)])
]

/** An intent counts in every portfolio that it is a member of, by its status. */
const addMember = (before: Intent | undefined, after: Intent, add: (key: string, by: number) => void): void => {
  const moved = before?.status !== after.status
  const [old, now] = [before?.portfolioIds ?? nowhere, after.portfolioIds]
  if (!moved && old === now) return
  if (before !== undefined) {
    for (const id of old) if (moved || !now.includes(id)) add(memberCounter(id, before.status), -1)
  }
  for (const id of now) if (moved || !old.includes(id)) add(memberCounter(id, after.status), 1)
}

const nowhere: ReadonlyArray<string> = []

/** What the writes of a commit add to each figure. */
export const counterDeltas = (writes: ReadonlyArray<Write>): ReadonlyMap<string, number> => {
  let deltas: Map<string, number> | undefined
  const add = (key: string, by: number) => {
    deltas ??= new Map()
    deltas.set(key, (deltas.get(key) ?? 0) + by)
  }
  for (const write of writes) {
    if (write.table === "attachments") {
      const [attachment, by] = write._tag === "Put" ? [write.record, 1] : [write.before, -1]
      add(attachmentCounter(attachment.intentId), by)
      if (attachment.inline) add(attachmentBytesCounter(attachment.intentId), by * attachment.size)
    }
    if (write._tag !== "Put") continue
    if (write.table === "apiKeys") add(apiKeyChanges, 1)
    if (write.table === "failures" && write.before === undefined) add(failureCounter(write.record.intentId), 1)
    if (write.table !== "intents") continue
    const { before, record } = write
    if (before === undefined) for (const key of createdCounters(record)) add(key, 1)
    addMember(before, record, add)
    if (before?.status === record.status) continue
    if (before !== undefined) add(statusCounter(before.status), -1)
    add(statusCounter(record.status), 1)
  }
  return deltas ?? none
}
