/** Which logs there are in a storage, for those who check them one after the other. */
import * as Effect from "effect/Effect"
import type { StorageError, StorageShape } from "../core/Storage.ts"

export interface Logs {
  /** Ids of intents. */
  readonly ids: ReadonlyArray<string>
  /** Where the next page begins; undefined at the end. */
  readonly next: string | undefined
}

const pageSize = 500

/** A page of all intents, and then of those that are gone and have left their seals: `next` says which. "" is the first. */
export const logsIn = Effect.fnUntraced(function* (
  storage: StorageShape,
  after: string
): Effect.fn.Return<Logs, StorageError> {
  const [from, text] = after === "" ? ["intents", "0"] : after.split(" ")
  const page = { index: "all", keys: [[]], direction: "asc", after: Number(text), limit: pageSize } as const
  if (from === "intents") {
    const rows = yield* storage.page({ table: "intents", ...page })
    const last = rows.at(-1)
    return {
      ids: rows.map(({ record }) => record.id),
      next: last === undefined || rows.length < pageSize ? "seals 0" : `intents ${last.position}`
    }
  }
  const rows = yield* storage.page({ table: "sealHeads", ...page })
  const ids = rows.map(({ record }) => record.intentId)
  const revisions = yield* storage.revisions("intents", ids)
  const last = rows.at(-1)
  return {
    ids: ids.filter((_, i) => revisions[i] === 0),
    next: last === undefined || rows.length < pageSize ? undefined : `seals ${last.position}`
  }
})
