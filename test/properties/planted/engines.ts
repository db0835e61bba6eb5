/** How bugs are planted: an engine over a storage that lies, or with some of its methods replaced. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { CurrentAgent } from "../../../src/core/CurrentAgent.ts"
import { Engine } from "../../../src/core/Engine.ts"
import type { Write } from "../../../src/core/Aggregate.ts"
import type { EngineOptions } from "../../../src/core/EngineOptions.ts"
import type { NewEvent } from "../../../src/core/event/LogEvent.ts"
import type { Status } from "../../../src/core/intent/Intent.ts"
import type { Page } from "../../../src/core/Page.ts"
import { OpenIntent, type OpenIntentShape } from "../../../src/core/OpenIntent.ts"
import { type Commit, Storage, type StorageShape } from "../../../src/core/Storage.ts"
import { sha256 } from "../../../src/layers/sha256.ts"
import { MemoryStorage } from "../../../src/storage/memory/MemoryStorage.ts"

/** The engine over a storage that does something else. */
export const overStorage = (wrap: (storage: StorageShape) => Partial<StorageShape>): Layer.Layer<OpenIntent> => {
  const storage = Layer.effect(
    Storage,
    Effect.map(Storage, (storage) => Storage.of({ ...storage, ...wrap(storage) }))
  )
  return Engine.layer().pipe(Layer.provide([storage, sha256]), Layer.provide(MemoryStorage.layer))
}

type Nouns = { readonly [N in keyof OpenIntentShape]?: Partial<OpenIntentShape[N]> }

/** The engine with some methods replaced. */
export const withMethods = (
  wrap: (engine: OpenIntentShape, storage: StorageShape) => Nouns,
  options: Partial<EngineOptions> = {}
): Layer.Layer<OpenIntent> =>
  Layer.effect(
    OpenIntent,
    Effect.gen(function* () {
      const engine = yield* OpenIntent
      const { agents, attachments, costs, events, governance, graph, intents, leases, portfolios, retries } = wrap(
        engine,
        yield* Storage
      )
      return OpenIntent.of({
        ...engine,
        intents: { ...engine.intents, ...intents },
        events: { ...engine.events, ...events },
        leases: { ...engine.leases, ...leases },
        agents: { ...engine.agents, ...agents },
        graph: { ...engine.graph, ...graph },
        portfolios: { ...engine.portfolios, ...portfolios },
        governance: { ...engine.governance, ...governance },
        attachments: { ...engine.attachments, ...attachments },
        costs: { ...engine.costs, ...costs },
        retries: { ...engine.retries, ...retries }
      })
    })
  ).pipe(Layer.provide(Engine.layer(options)), Layer.provide([MemoryStorage.layer, sha256]))

export const mapItems =
  <A>(f: (item: A, index: number) => A) =>
  (page: Page<A>): Page<A> => ({ ...page, items: page.items.map(f) })

/** Dependents that a commit unblocks. */
export const freedBy = (events: Commit["events"]): ReadonlySet<string> =>
  new Set(
    events.filter((event) => event.payload["trigger"] === "dependencies_completed").map((event) => event.intentId)
  )

/** The engine over a storage that writes something else. */
export const writingOtherwise = (
  wrap: (write: Write, commit: Commit) => ReadonlyArray<Write>
): Layer.Layer<OpenIntent> =>
  overStorage((storage) => ({
    commit: (commit) => storage.commit({ ...commit, writes: commit.writes.flatMap((write) => wrap(write, commit)) }),
    exclusively: (work) =>
      storage.exclusively((inside) =>
        work({
          ...inside,
          commit: (commit) =>
            inside.commit({ ...commit, writes: commit.writes.flatMap((write) => wrap(write, commit)) })
        })
      )
  }))

export interface PlantedBug {
  readonly name: string
  readonly engine: Layer.Layer<OpenIntent>
  /** Invariants that each find it alone: ids; where several suites have one, the kind of their programs and the id. */
  readonly foundBy: ReadonlyArray<string>
}

/** Stores another status, whatever the rules say. Fails with `error` if somebody was quicker. */
export const forceStatus = <E>(storage: StorageShape, intentId: string, status: Status, error: E) =>
  Effect.gen(function* () {
    const { aggregate, now } = yield* storage.load(intentId)
    if (aggregate === undefined) return yield* Effect.fail(error)
    const { intent, revision } = aggregate
    const forced = { ...intent, status, version: intent.version + 1, updatedAt: now }
    const told: NewEvent = {
      id: crypto.randomUUID(),
      intentId,
      type: "status_changed",
      actor: yield* CurrentAgent,
      source: "system",
      payload: { status, from: intent.status, to: status, version: forced.version },
      extra: null,
      traceId: null,
      parentEventId: null,
      createdAt: now
    }
    yield* storage.commit({
      guards: [{ table: "intents", key: intentId, expected: revision, next: revision + 1 }],
      writes: [{ _tag: "Put", table: "intents", record: forced, before: intent }],
      events: [told],
      counters: new Map()
    })
    return forced
  }).pipe(Effect.catchTag(["StorageError", "StaleRevision"], () => Effect.fail(error)))
