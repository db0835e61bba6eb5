/** The suite of the port finds what it is for: storages with one bug each fail it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { Storage, type StorageShape } from "../../src/core/Storage.ts"
import { MemoryStorage } from "../../src/storage/memory/MemoryStorage.ts"
import { storageSuite } from "../../src/testing/storageSuite.ts"

const bugs: { readonly [name: string]: (storage: StorageShape) => Partial<StorageShape> } = {
  "guards are not checked": (storage) => ({
    commit: (commit) =>
      Effect.gen(function* () {
        const guards = yield* Effect.forEach(commit.guards, (guard) =>
          Effect.map(storage.revisions(guard.table, [guard.key]), ([expected = 0]) => ({ ...guard, expected }))
        )
        return yield* storage.commit({ ...commit, guards })
      })
  }),
  "only the first guard is checked": (storage) => ({
    commit: (commit) => storage.commit({ ...commit, guards: commit.guards.slice(0, 1) })
  }),
  "a commit is written piece by piece": (storage) => ({
    commit: ({ counters, events, guards, writes }) =>
      Effect.gen(function* () {
        const positions = yield* storage.commit({ guards: [], writes: [], events, counters })
        yield* storage.commit({ guards, writes, events: [], counters: new Map() })
        return positions
      })
  }),
  "a page backwards begins at the end, whatever the cursor": (storage) => ({
    page: (query) => storage.page(query.direction === "desc" ? { ...query, after: undefined } : query)
  }),
  "merged ranges are read one after the other": (storage) => ({
    page: (query) =>
      Effect.map(
        Effect.forEach(query.keys, (key) => storage.page({ ...query, keys: [key], offset: 0, limit: 1_000 })),
        (pages) => pages.flat().slice(query.offset ?? 0, (query.offset ?? 0) + query.limit)
      )
  }),
  "count knows no end": (storage) => ({ count: (range) => storage.count(range, 1_000_000) }),
  "tally counts from the beginning": (storage) => ({ tally: (range) => storage.tally({ ...range, after: undefined }) }),
  "what failed exclusively stays": (storage) => ({ exclusively: (work) => work(storage) }),
  "a walk knows no limit": (storage) => ({
    reachable: (steps, from) => storage.reachable(steps, from, 1_000)
  }),
  "a walk tells the start as the origin of all": (storage) => ({
    reachable: (steps, from, limit) =>
      Effect.map(storage.reachable(steps, from, limit), (reached) => reached.map(({ id }) => ({ id, from })))
  }),
  "a walk takes the first of its steps only": (storage) => ({
    reachable: (steps, from, limit) => storage.reachable(steps.slice(0, 1), from, limit)
  }),
  "many records come in an order of their own": (storage) => ({
    get: (table, keys) => Effect.map(storage.get(table, keys), (records) => records.toReversed())
  })
}

describe("the storage suite finds", () => {
  for (const [name, wrap] of Object.entries(bugs)) {
    it.live(name, () =>
      Effect.gen(function* () {
        const wrapped = Layer.effect(
          Storage,
          Effect.map(Storage, (storage) => Storage.of({ ...storage, ...wrap(storage) }))
        ).pipe(Layer.provide(MemoryStorage.layer))
        const suite = storageSuite(wrapped, MemoryStorage.layer)
        const exits = yield* Effect.forEach(suite, ({ effect }) => Effect.exit(effect))
        const found = suite.filter((_, i) => Exit.isFailure(exits[i]!)).map((check) => check.name)
        assert.isNotEmpty(found)
        if (process.env["SHOW_FOUND"] !== undefined) process.stdout.write(`\n${name}: ${found.join("; ")}\n`)
      })
    )
  }
})
