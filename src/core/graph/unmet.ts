/** Looks for dependencies that are not completed (semantics 4.5), reading no more of them than it takes to find one. */
import * as Effect from "effect/Effect"
import type { Held } from "../Aggregate.ts"
import type { Intent } from "../intent/Intent.ts"
import { readVersioned } from "../intent/readVersioned.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import { limits } from "../validate.ts"

/** For each intent one dependency that is not completed, with its revision; undefined where all are. */
type FindUnmet = (intents: ReadonlyArray<Intent>) => Effect.Effect<ReadonlyArray<Held | undefined>, StorageError>

export const pagesOf = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(all.length / limits.pageSize) }, (_, i) =>
    all.slice(i * limits.pageSize, (i + 1) * limits.pageSize)
  )

/**
 * Remembers what it has read from one call to the next. `besides` counts as completed.
 *
 * Of each intent it looks at one dependency, then at two more, at four more, and so on: what is read is at most twice
 * what comes before the first that is not completed, in few round trips, and what many depend on is read once.
 */
export const unmetFinder = (storage: StorageShape, besides?: string): FindUnmet => {
  /** Undefined: completed. Of the others only what a guard needs, since their states may be large. */
  const known = new Map<string, Held | undefined>()
  if (besides !== undefined) known.set(besides, undefined)
  const read = (ids: ReadonlySet<string>) =>
    Effect.forEach(
      pagesOf([...ids]),
      (page) =>
        Effect.map(readVersioned(storage, page), (found) => {
          for (const one of found) {
            if (one === undefined) continue // Cannot be: dependencies exist, and intents are never removed.
            const { intent, revision } = one
            known.set(intent.id, intent.status === "completed" ? undefined : { intent: { id: intent.id }, revision })
          }
        }),
      { discard: true }
    )

  return Effect.fnUntraced(function* (intents) {
    const unmet = intents.map((): Held | undefined => undefined)
    let open = [...intents.keys()]
    for (let from = 0, looks = 1; open.length > 0; from += looks, looks *= 2) {
      const looked = (i: number) => intents[i]!.dependsOn.slice(from, from + looks)
      yield* read(new Set(open.flatMap(looked).filter((id) => !known.has(id))))
      for (const i of open) {
        for (const id of looked(i)) unmet[i] ??= known.get(id)
      }
      open = open.filter((i) => unmet[i] === undefined && intents[i]!.dependsOn.length > from + looks)
    }
    return unmet
  })
}
