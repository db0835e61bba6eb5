import * as Effect from "effect/Effect"
import type { Versioned } from "../Aggregate.ts"
import type { StorageError, StorageShape } from "../Storage.ts"

/** Revisions first: a record that changes between the two reads is newer than its guard, which then does not hold. */
export const readVersioned = (
  storage: StorageShape,
  ids: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<Versioned | undefined>, StorageError> =>
  ids.length === 0
    ? Effect.succeed([])
    : Effect.zipWith(storage.revisions("intents", ids), storage.get("intents", ids), (revisions, intents) =>
        intents.map((intent, i) => intent && { intent, revision: revisions[i]! })
      )
