/** Random histories of commits and queries, run on a storage and on a model; every answer must be the same. */
import * as Arbitrary from "effect/Arbitrary"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Guard, Write } from "../../core/Aggregate.ts"
import {
  type Commit,
  type Range,
  type Reached,
  Storage,
  type StorageError,
  type StorageShape,
  type Step as WalkStep
} from "../../core/Storage.ts"
import type { TableName } from "../../core/tables.ts"
import { canonical, isSame } from "../canonical.ts"
import { assignmentOf, at, commitOf, eventOf, intentOf, leaseOf, put } from "../storageRecords.ts"

const IntentId = Schema.Literals(["i0", "i1", "i2", "i3"])
const AgentId = Schema.Literals(["ann", "bob"])
const Small = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 }))

const Step = Schema.Union([
  Schema.TaggedStruct("PutIntent", {
    id: IntentId,
    status: Schema.Literals(["draft", "active", "completed"]),
    creator: AgentId,
    parent: Schema.NullOr(IntentId)
  }),
  Schema.TaggedStruct("MoveOn", { id: IntentId }),
  Schema.TaggedStruct("PutLease", {
    id: Schema.Literals(["l0", "l1", "l2", "l3"]),
    intent: IntentId,
    scope: Schema.Literals(["*", "draft"]),
    status: Schema.Literals(["active", "active", "released"]),
    end: Small
  }),
  Schema.TaggedStruct("AddEdge", { from: IntentId, to: IntentId }),
  Schema.TaggedStruct("RemoveEdge", { from: IntentId, to: IntentId }),
  Schema.TaggedStruct("PutAssignment", { intent: IntentId, agent: AgentId, role: Schema.Literals(["worker", "lead"]) }),
  Schema.TaggedStruct("RemoveAssignment", { intent: IntentId, agent: AgentId }),
  Schema.TaggedStruct("Append", { intent: IntentId, type: Schema.Literals(["comment", "x.own", "task.created"]) }),
  Schema.TaggedStruct("Count", {
    counter: Schema.Literals(["a", "b"]),
    delta: Schema.Int.check(Schema.isBetween({ minimum: -2, maximum: 2 }))
  })
])
type Step = typeof Step.Type

/** `shift`: by how much the first guard is wrong; `checks`: an intent that is only checked. */
const Change = Schema.Struct({
  steps: Schema.Array(Step).check(Schema.isMinLength(1), Schema.isMaxLength(5)),
  shift: Schema.Literals([0, 0, 0, 1, -1]),
  checks: Schema.NullOr(IntentId)
})
type Change = typeof Change.Type

const Query = Schema.Struct({
  range: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 })),
  direction: Schema.Literals(["asc", "desc"]),
  /** Rows to step over with a cursor; null: none is given. */
  after: Schema.NullOr(Small),
  offset: Small,
  limit: Small
})

const Entry = Schema.Union([
  Schema.TaggedStruct("Commit", { change: Change }),
  Schema.TaggedStruct("Exclusively", {
    changes: Schema.Array(Change).check(Schema.isMinLength(1), Schema.isMaxLength(3)),
    fails: Schema.Boolean
  }),
  Schema.TaggedStruct("Ask", { query: Query })
])
type Entry = typeof Entry.Type

type AnyRange = { [T in TableName]: Range<T> }[TableName]

const ranges: ReadonlyArray<AnyRange> = [
  { table: "intents", index: "all", keys: [[]] },
  { table: "intents", index: "byStatus", keys: [["draft"], ["completed"]] },
  { table: "intents", index: "byCreator", keys: [["ann"]] },
  { table: "intents", index: "byParent", keys: [["i0"], ["i1"]] },
  {
    table: "intents",
    index: "byParentAndStatus",
    keys: [
      ["i0", "draft"],
      ["i0", "active"]
    ]
  },
  { table: "dependencies", index: "byIntent", keys: [["i0"]] },
  { table: "dependencies", index: "byDependency", keys: [["i1"], ["i0"]] },
  { table: "events", index: "all", keys: [[]] },
  { table: "events", index: "byIntent", keys: [["i0", "comment"], ["i0", "x."], ["i1"]] },
  { table: "events", index: "byIntent", keys: [["i1", "comment"]] },
  {
    table: "leases",
    index: "byStatus",
    keys: [
      ["i0", "active"],
      ["i1", "active"],
      ["i0", "released"]
    ]
  },
  { table: "leases", index: "due", keys: [["active"]] },
  { table: "assignments", index: "byAgent", keys: [["ann"]] }
]

/** The key that a step writes; a commit writes each once. */
const target = (step: Step): string => {
  switch (step._tag) {
    case "PutIntent":
      return `intent ${step.id}`
    case "PutLease":
      return `lease ${step.id}`
    case "AddEdge":
    case "RemoveEdge":
      return `edge ${step.from} ${step.to}`
    case "PutAssignment":
    case "RemoveAssignment":
      return `assignment ${step.intent} ${step.agent}`
    default:
      return ""
  }
}

/** The commit that a change is, given what is stored. */
const resolve = (
  storage: StorageShape,
  { checks, shift, steps }: Change,
  number: number
): Effect.Effect<Commit, StorageError> =>
  Effect.gen(function* () {
    const writes: Array<Write> = []
    const events: Array<ReturnType<typeof eventOf>> = []
    const counters = new Map<string, number>()
    const moved = new Set<string>()
    const seen = new Set<string>()
    for (const [i, step] of steps.entries()) {
      const key = target(step)
      if (key !== "" && seen.has(key)) continue
      seen.add(key)
      switch (step._tag) {
        case "PutIntent": {
          const [before] = yield* storage.get("intents", [step.id])
          writes.push(
            put.intent(
              intentOf(step.id, {
                status: step.status,
                createdBy: step.creator,
                parentIntentId: step.parent,
                version: Math.floor(number)
              }),
              before
            )
          )
          moved.add(step.id)
          break
        }
        case "MoveOn":
          moved.add(step.id)
          break
        case "PutLease": {
          const [before] = yield* storage.get("leases", [step.id])
          const lease = leaseOf(step.id, step.intent, {
            scope: step.scope,
            status: step.status,
            expiresAt: at(step.end),
            fencingToken: Math.floor(number)
          })
          writes.push(put.lease(lease, before))
          break
        }
        case "AddEdge":
          writes.push(put.dependency(step.from, step.to))
          break
        case "RemoveEdge": {
          const [before] = yield* storage.get("dependencies", [`${step.from} ${step.to}`])
          if (before !== undefined) writes.push({ _tag: "Remove", table: "dependencies", before })
          break
        }
        case "PutAssignment": {
          const [before] = yield* storage.get("assignments", [`${step.intent} ${step.agent}`])
          writes.push(
            put.assignment(
              assignmentOf(step.intent, step.agent, { role: step.role, intentCreatedAt: at(Math.floor(number) % 3) }),
              before
            )
          )
          break
        }
        case "RemoveAssignment": {
          const [before] = yield* storage.get("assignments", [`${step.intent} ${step.agent}`])
          if (before !== undefined) writes.push({ _tag: "Remove", table: "assignments", before })
          break
        }
        case "Append":
          events.push(eventOf(`e${number}-${i}`, step.intent, { type: step.type }))
          break
        case "Count":
          counters.set(step.counter, (counters.get(step.counter) ?? 0) + step.delta)
      }
    }
    const keys = [...moved]
    const revisions = yield* storage.revisions("intents", keys)
    const guards = keys.map((key, i): Guard => {
      const revision = revisions[i] ?? 0
      return { table: "intents", key, expected: Math.max(0, revision + (i === 0 ? shift : 0)), next: revision + 1 }
    })
    if (checks !== null && !moved.has(checks)) {
      const [revision = 0] = yield* storage.revisions("intents", [checks])
      guards.push({ table: "intents", key: checks, expected: revision, next: revision })
    }
    return commitOf({ guards, writes, events, counters })
  })

const endingOf = (storage: StorageShape, commit: Commit): Effect.Effect<string> =>
  Effect.result(storage.commit(commit)).pipe(
    Effect.map((result) => {
      if (Result.isSuccess(result)) return `committed ${result.success.length} events`
      return result.failure._tag === "StaleRevision" ? "stale" : result.failure.reason
    })
  )

/** Records of rows, without the positions that storages may give as they like. */
const recordsOf = (rows: ReadonlyArray<{ readonly record: object }>) =>
  rows.map(({ record }) => ({ ...record, position: undefined }))

/** What a range holds, read in one page. */
const contents = (storage: StorageShape, range: AnyRange) => storage.page({ ...range, direction: "asc", limit: 10_000 })

const ask = (storage: StorageShape, { after, direction, limit, offset, range: number }: typeof Query.Type) =>
  Effect.gen(function* () {
    const range = ranges[number % ranges.length]!
    const all = yield* contents(storage, range)
    const cursor = after === null ? undefined : (direction === "asc" ? all : all.toReversed())[after]?.order
    const up = direction === "asc" ? cursor : undefined
    return {
      page: recordsOf(yield* storage.page({ ...range, direction, after: cursor, offset, limit })),
      count: yield* storage.count({ ...range, after: up }, limit),
      // Upwards, whatever the direction of the page.
      tally: range.table === "events" ? yield* storage.tally({ ...range, after: all[after ?? 0]?.order }) : undefined
    }
  })

const walks: ReadonlyArray<ReadonlyArray<WalkStep>> = [
  ["parent"],
  ["children"],
  ["dependencies"],
  ["dependents"],
  ["children", "dependencies"]
]

/** How many steps each is away. */
const depths = (start: string, reached: ReadonlyArray<Reached>): ReadonlyMap<string, number> => {
  const found = new Map([[start, 0]])
  for (const { from, id } of reached) found.set(id, (found.get(from) ?? Number.NaN) + 1)
  return found
}

/** All that can be asked of the storage. */
const everything = (storage: StorageShape) =>
  Effect.gen(function* () {
    const intents = IntentId.literals
    return {
      ranges: yield* Effect.forEach(ranges, (range) => Effect.map(contents(storage, range), recordsOf)),
      loaded: yield* Effect.forEach(intents, (id) => Effect.map(storage.load(id), (loaded) => loaded.aggregate)),
      revisions: yield* storage.revisions("intents", intents),
      counters: yield* storage.counters(["a", "b", "c"]),
      // Siblings may come in any order of theirs, so what came how far is compared, not from where.
      reachable: yield* Effect.forEach(walks, (steps) =>
        Effect.forEach(intents, (id) =>
          Effect.map(storage.reachable(steps, id, 100), (reached) => [...depths(id, reached)].map(String).toSorted())
        )
      ),
      few: yield* Effect.forEach(intents, (id) =>
        Effect.map(storage.reachable(["dependencies"], id, 1), (reached) => reached.length)
      ),
      logged: (yield* storage.lastPosition) > 0
    }
  })

class Different extends Data.TaggedError("Different")<{ readonly what: string }> {}

const compare = <E>(
  what: string,
  answer: (storage: StorageShape) => Effect.Effect<unknown, E>,
  storage: StorageShape,
  model: StorageShape
) =>
  Effect.gen(function* () {
    const [actual, expected] = [yield* answer(storage), yield* answer(model)]
    if (!isSame(actual, expected)) {
      return yield* new Different({ what: `${what}: expected ${canonical(expected)}, found ${canonical(actual)}` })
    }
  })

const runEntry = (entry: Entry, number: number, storage: StorageShape, model: StorageShape) =>
  Effect.gen(function* () {
    const name = `${number}. ${entry._tag}`
    switch (entry._tag) {
      case "Ask":
        return yield* compare(name, (one) => ask(one, entry.query), storage, model)
      case "Commit": {
        const commit = yield* resolve(model, entry.change, number)
        return yield* compare(name, (one) => endingOf(one, commit), storage, model)
      }
      case "Exclusively": {
        // The model says which commits they are, since what is stored changes on the way.
        const commits: Array<Commit> = []
        const within = (inside: StorageShape, resolved: boolean) =>
          Effect.gen(function* () {
            const endings: Array<string> = []
            for (const [i, change] of entry.changes.entries()) {
              if (!resolved) commits.push(yield* resolve(inside, change, number + i / 10))
              endings.push(yield* endingOf(inside, commits[i]!))
            }
            return entry.fails ? yield* Effect.fail(canonical(endings)) : endings
          })
        const run = (one: StorageShape, resolved: boolean) =>
          Effect.result(one.exclusively((inside) => within(inside, resolved))).pipe(
            Effect.map((result) => (Result.isSuccess(result) ? result.success : String(result.failure)))
          )
        const expected = yield* run(model, false)
        return yield* compare(
          name,
          (one) => (one === model ? Effect.succeed(expected) : run(one, true)),
          storage,
          model
        )
      }
    }
  })

/** Runs the histories; what differed, with the shrunk history and its replay token, or undefined. */
export const storageHistories = <E>(
  storage: Layer.Layer<Storage, E>,
  model: Layer.Layer<Storage>,
  options: { readonly runs: number; readonly seed?: string | number | undefined }
): Effect.Effect<string | undefined, E | StorageError> => {
  const open = <E>(layer: Layer.Layer<Storage, E>) =>
    Effect.map(Layer.build(Layer.fresh(layer)), (context) => Context.get(context, Storage))
  const property = (entries: ReadonlyArray<Entry>) =>
    Effect.scoped(
      Effect.gen(function* () {
        const [one, two] = [yield* open(storage), yield* open(model)]
        for (const [i, entry] of entries.entries()) {
          yield* runEntry(entry, i + 1, one, two)
          yield* compare(`after ${i + 1}. ${entry._tag}`, everything, one, two)
        }
        return true
      })
    )
  return Effect.flatMap(
    Arbitrary.checkEffect(Arbitrary.array(Arbitrary.schema(Entry), { maxLength: 20 }), property, {
      size: 20,
      maxShrinks: 500,
      ...options
    }),
    (result) =>
      Effect.gen(function* () {
        if (result._tag === "Falsified" && result.failure._tag === "PropertyError") {
          const { error } = result.failure
          if (!(error instanceof Different)) return yield* Effect.fail(error)
          const history = result.shrunkInput.map((entry, i) => `  ${i + 1}. ${canonical(entry)}`)
          return `${error.what}\n${history.join("\n")}\nreplay: ${result.replay}`
        }
        return Arbitrary.formatCheckFailure(result)
      })
  )
}
