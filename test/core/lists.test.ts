import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { isVisible } from "../../src/core/event/eventTypes.ts"
import type { ListEvents, LogEvent } from "../../src/core/event/LogEvent.ts"
import type { Intent, ListIntents } from "../../src/core/intent/Intent.ts"
import type { Page } from "../../src/core/Page.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import type { StorageShape } from "../../src/core/Storage.ts"
import { limits } from "../../src/core/validate.ts"
import { anEngine, engineOn, logOf, memoryStorage, partsOn } from "./engines.ts"
import { at } from "./records.ts"

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

interface Asked {
  readonly limit?: number
  readonly offset?: number
  readonly after?: string | undefined
}

/** semantics 16: the list is whole, and paging by cursor and by offset with any limit concatenates to it. */
const pagesAre = <A, E>(
  list: (page: Asked) => Effect.Effect<Page<A>, E>,
  expected: ReadonlyArray<A>,
  name: string,
  cappedAt?: number
) =>
  Effect.gen(function* () {
    const total = Math.min(expected.length, cappedAt ?? expected.length)
    const check = (page: Page<A>) => {
      assert.strictEqual(page.total, total, `${name}: total`)
      assert.strictEqual(page.totalCapped, cappedAt !== undefined && expected.length > cappedAt, `${name}: capped`)
    }
    for (const limit of [1, 2, 3, expected.length, 1000].filter((n) => n > 0)) {
      const found: Array<A> = []
      let after: string | undefined
      do {
        const page = yield* list({ limit, after })
        check(page)
        assert.strictEqual(page.limit, limit)
        if (page.next !== undefined)
          assert.strictEqual(page.items.length, limit, `${name}: a page before the last is full`)
        found.push(...page.items)
        after = page.next
      } while (after !== undefined && found.length <= expected.length)
      assert.deepStrictEqual(found, expected, `${name}, ${limit} a page`)
    }
    for (const offset of [0, 1, expected.length - 1, expected.length, expected.length + 5].filter((n) => n >= 0)) {
      const page = yield* list({ limit: 2, offset })
      check(page)
      assert.strictEqual(page.offset, offset)
      assert.deepStrictEqual(page.items, expected.slice(offset, offset + 2), `${name}, 2 from ${offset}`)
    }
  })

describe("Events.list", () => {
  const types = ["comment", "x.mine", "task.created", "comment", "tool_call_failed"]

  /** Events of all tiers on two intents, of which several have one time. */
  const setUp = Effect.gen(function* () {
    const storage = yield* memoryStorage
    const engine = yield* engineOn(storage)
    const { id } = yield* engine.intents.create({ title: "a" })
    const other = yield* engine.intents.create({ title: "b" })
    for (const n of upTo(30)) {
      yield* engine.events.append(n % 5 === 0 ? other.id : id, { type: types[n % types.length]!, payload: { n } })
      if (n % 3 === 0) yield* TestClock.adjust("10 millis")
      if (n === 12) yield* TestClock.adjust("3 minutes")
    }
    const log = (yield* logOf(storage)).filter((event) => event.intentId === id)
    return { engine, id, log }
  })

  const expectedOf = (
    log: ReadonlyArray<LogEvent>,
    { afterPosition = 0, order = "desc", since, type, visibility = "known" }: ListEvents
  ) => {
    const found = log.filter(
      (event) =>
        isVisible(event.type, visibility) &&
        (type === undefined || event.type === type) &&
        (since === undefined || event.createdAt.epochMilliseconds > Date.parse(since)) &&
        event.position > afterPosition
    )
    return order === "asc" ? found : found.toReversed()
  }

  it.effect("semantics 16, 29 and 32: every filter equals filtering the full list, in both orders, by any page", () =>
    Effect.gen(function* () {
      const { engine, id, log } = yield* setUp
      const times = [...new Set(log.map((event) => new Date(event.createdAt.epochMilliseconds).toISOString()))]
      const sinces = [undefined, "1969-12-31T00:00:00", times[0], times[3], times.at(-2), times.at(-1), "2999-01-01"]
      for (const order of ["asc", "desc"] as const) {
        for (const type of [undefined, "comment", "x.mine", "unheard"]) {
          for (const visibility of ["legacy", "known", "all"] as const) {
            for (const since of sinces) {
              for (const afterPosition of [undefined, log[9]!.position]) {
                const query = { order, type, visibility, since, afterPosition }
                const name = JSON.stringify(query)
                const page = yield* engine.events.list(id, { ...query, limit: 1000 })
                const expected = expectedOf(log, query)
                assert.deepStrictEqual(page.items, expected, name)
                assert.strictEqual(page.total, expected.length, name)
              }
            }
          }
        }
      }
      for (const query of [
        {},
        { order: "asc" },
        { visibility: "all" },
        { type: "comment" },
        { since: times[2] },
        { since: times[3], order: "asc" },
        { afterPosition: log[5]!.position },
        { afterPosition: log[5]!.position, order: "asc", since: times[2] }
      ] as const) {
        yield* pagesAre(
          (page) => engine.events.list(id, { ...query, ...page }),
          expectedOf(log, query),
          JSON.stringify(query)
        )
      }
    })
  )

  it.effect("semantics 30: a page has no gap, whatever types are committed while it is read", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const other = yield* engineOn(storage)
      const { id } = yield* other.intents.create({ title: "t" })
      yield* other.events.append(id, { type: "comment" })
      let isRacing = true
      const engine = yield* engineOn({
        ...storage,
        tally: (range) =>
          Effect.tap(storage.tally(range), () => {
            if (!isRacing) return Effect.void
            isRacing = false
            return Effect.orDie(
              Effect.forEach(["stream_chunk", "comment"], (type) => other.events.append(id, { type }), {
                discard: true
              })
            )
          })
      })
      for (const query of [{ order: "asc" }, { order: "desc" }, { order: "asc", afterPosition: 1 }] as const) {
        isRacing = true
        const { items } = yield* engine.events.list(id, query)
        const log = (yield* logOf(storage)).filter((event) => event.position > ("afterPosition" in query ? 1 : 0))
        const found = query.order === "asc" ? items : items.toReversed()
        assert.deepStrictEqual(found, log.slice(0, found.length), JSON.stringify(query))
      }
    })
  )

  it.effect("events may be placed up to a minute behind later ones, and since still finds exactly those after it", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const engine = yield* engineOn(storage)
      const { id } = yield* engine.intents.create({ title: "t" })
      const [first] = yield* logOf(storage)
      const { position: _, ...event } = first!
      const seconds = upTo(80).map((n) => n * 10 + ((n * 37) % 59))
      yield* Effect.forEach(seconds, (second) =>
        Effect.orDie(
          storage.commit({
            guards: [],
            writes: [],
            events: [{ ...event, id: `e${second}`, type: "comment", createdAt: at(second * 1000) }],
            counters: new Map()
          })
        )
      )
      for (const second of [...seconds, 0, 900]) {
        const found = yield* engine.events.list(id, {
          since: new Date(second * 1000).toISOString(),
          order: "asc",
          limit: 1000
        })
        assert.deepStrictEqual(
          found.items.map((one) => one.createdAt.epochMilliseconds / 1000),
          seconds.filter((one) => one > second)
        )
      }
    })
  )

  it.effect("limits and names are checked, and an unknown intent is told", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const { id } = yield* engine.intents.create({ title: "t" })
      const wrong: ReadonlyArray<readonly [ListEvents, string]> = [
        [{ limit: 0 }, "limit"],
        [{ limit: 1001 }, "limit"],
        [{ limit: 1.5 }, "limit"],
        [{ offset: -1 }, "offset"],
        [{ after: "x" }, "after"],
        [{ after: "" }, "after"],
        [{ after: `${"z".repeat(40)}.1` }, "after"],
        [{ order: "up" as never }, "order"],
        [{ since: "yesterday" }, "since"],
        [{ visibility: "some" as never }, "visibility"],
        [{ afterPosition: -1 }, "afterPosition"]
      ]
      for (const [query, field] of wrong) {
        const error = yield* Effect.flip(engine.events.list(id, query))
        assert.deepStrictEqual(error._tag === "ValidationError" && error.issues.map((issue) => issue.field), [field])
      }
      assert.strictEqual((yield* Effect.flip(engine.events.list("none")))._tag, "IntentNotFound")
    })
  )
})

describe("EventCounts (decision 11)", () => {
  const append = (engine: OpenIntentShape, id: string, type: string) => engine.events.append(id, { type })

  it.effect("totals are exact before, while and after counts are folded, all and by type", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const { id } = yield* engine.intents.create({ title: "t" })
      let [all, comments] = [1, 0]
      for (const round of upTo(8)) {
        yield* Effect.forEach(
          upTo(100),
          (n) => append(engine, id, n % 4 === 0 ? "x.mine" : n % 2 === 0 ? "comment" : "stream_chunk"),
          {
            concurrency: 10,
            discard: true
          }
        )
        all += 100
        comments += 25
        assert.strictEqual(
          (yield* engine.events.list(id, { visibility: "all", limit: 1 })).total,
          all,
          `round ${round}`
        )
        assert.strictEqual((yield* engine.events.list(id, { limit: 1 })).total, all - round * 25)
        assert.strictEqual((yield* engine.events.list(id, { type: "comment", limit: 1 })).total, comments)
        assert.strictEqual((yield* engine.events.list(id, { type: "x.mine", limit: 1 })).total, 0)
        assert.strictEqual(
          (yield* engine.events.list(id, { type: "x.mine", visibility: "all", limit: 1 })).total,
          round * 25
        )
        yield* TestClock.adjust("1 second")
      }
    })
  )

  const storedCount = (storage: StorageShape, id: string) =>
    Effect.map(Effect.orDie(storage.get("eventCounts", [id])), ([count]) => count)

  it.effect("counts that fell behind are moved on in the background, so that a reader has little to tally", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      let tallied = 0
      const engine = yield* engineOn({
        ...storage,
        tally: (range) =>
          Effect.map(storage.tally(range), (tail) => {
            for (const n of tail.values()) tallied += n
            return tail
          })
      })
      const { id } = yield* engine.intents.create({ title: "t" })
      yield* Effect.forEach(upTo(600), () => append(engine, id, "comment"), { discard: true })
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* storedCount(storage, id))?.byKind.comment, 600)
      tallied = 0
      assert.strictEqual((yield* engine.events.list(id, { limit: 1 })).total, 601)
      assert.strictEqual(tallied, 0)
    })
  )

  it.effect("an event that is committed at any moment of a fold is counted once", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const engine = yield* engineOn(storage)
      const { id } = yield* engine.intents.create({ title: "t" })
      let expected = 1
      const one = Effect.suspend(() => {
        expected++
        return Effect.orDie(append(engine, id, "comment"))
      })
      // Another process appends around each read of the one that folds.
      const racing: StorageShape = {
        ...storage,
        get: (table, keys) => Effect.tap(storage.get(table, keys), () => one),
        tally: (range) =>
          Effect.andThen(
            one,
            Effect.tap(storage.tally(range), () => one)
          ),
        lastPosition: Effect.andThen(
          one,
          Effect.tap(storage.lastPosition, () => one)
        )
      }
      const { counts } = yield* partsOn(racing)
      const { counts: calm } = yield* partsOn(storage)
      for (let round = 0; round < 5; round++) {
        yield* Effect.forEach(upTo(300), () => one, { discard: true })
        yield* counts.of(id)
        yield* counts.fold
        const byKind = yield* calm.of(id)
        assert.strictEqual(byKind.comment, expected - 1)
        yield* calm.fold
        assert.strictEqual((yield* calm.of(id)).comment, expected - 1)
      }
    })
  )

  it.effect("a fold makes its way although others append all the time", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const engine = yield* engineOn(storage)
      const [busy, hot] = [
        yield* engine.intents.create({ title: "busy" }),
        yield* engine.intents.create({ title: "hot" })
      ]
      const elsewhere = Effect.orDie(append(engine, busy.id, "comment"))
      const { counts } = yield* partsOn({
        ...storage,
        get: (table, keys) => Effect.tap(storage.get(table, keys), () => elsewhere),
        tally: (range) => Effect.tap(storage.tally(range), () => elsewhere)
      })
      yield* Effect.forEach(upTo(300), () => append(engine, hot.id, "comment"), { discard: true })
      yield* counts.of(hot.id)
      yield* counts.fold
      assert.strictEqual((yield* storedCount(storage, hot.id))?.byKind.comment, 300)
    })
  )
})

describe("Intents.list (http.md 4.2)", () => {
  const setUp = Effect.gen(function* () {
    const engine = yield* anEngine
    const ids: Array<string> = []
    const parent = yield* engine.intents.create({ title: "Parent", createdBy: "ann" })
    ids.push(parent.id)
    for (const n of upTo(14)) {
      const { id } = yield* engine.intents.create({
        title: n % 3 === 0 ? `Report ${n}` : `Task ${n}`,
        description: n % 4 === 0 ? "a REPORT of sorts" : "",
        createdBy: n % 2 === 0 ? "ann" : "bo",
        ...(n % 5 < 3 ? { parentIntentId: parent.id } : undefined),
        status: (["draft", "active", "pending"] as const)[n % 3],
        ...(n % 7 === 0 ? { dependsOn: [ids[1]!] } : undefined)
      })
      ids.push(id)
      if (n % 4 === 0) yield* TestClock.adjust("1 second")
    }
    // Assigned in another order than they were created in.
    for (const id of [...ids].toSorted((a, b) => (a.slice(-4) < b.slice(-4) ? -1 : 1)).slice(0, 9)) {
      yield* engine.agents.assign(id, { agentId: "cy" })
    }
    const all = yield* Effect.forEach(ids, (id) => engine.intents.get(id))
    const assigned = new Set<string>()
    for (const id of ids) if ((yield* engine.agents.list(id)).total > 0) assigned.add(id)
    return { engine, all, parent, assigned }
  })

  const expectedOf = (all: ReadonlyArray<Intent>, assigned: ReadonlySet<string>, query: ListIntents) => {
    const q = query.q?.toLowerCase()
    const found = all.filter(
      (intent) =>
        (query.status === undefined || [query.status].flat().includes(intent.status)) &&
        (query.parentIntentId === undefined || intent.parentIntentId === query.parentIntentId) &&
        (query.createdBy === undefined || intent.createdBy === query.createdBy) &&
        (query.agentId === undefined || (query.agentId === "cy" && assigned.has(intent.id))) &&
        (q === undefined || `${intent.title}\n${intent.description}`.toLowerCase().includes(q))
    )
    return query.order === "asc" ? found : found.toReversed()
  }

  const byId = (a: Intent, b: Intent) => (a.id < b.id ? -1 : 1)

  it.effect("semantics 16: every filter and mix of them, in both orders, by any page; totals are exact", () =>
    Effect.gen(function* () {
      const { all, assigned, engine, parent } = yield* setUp
      for (const order of ["asc", "desc"] as const) {
        for (const status of [undefined, "draft", ["active", "pending"], "blocked", "completed", []] as const) {
          for (const parentIntentId of [undefined, parent.id, "none"]) {
            for (const createdBy of [undefined, "ann"]) {
              for (const q of [undefined, "report"]) {
                const query = { order, status, parentIntentId, createdBy, q }
                yield* pagesAre(
                  (page) => engine.intents.list({ ...query, ...page }),
                  expectedOf(all, assigned, query),
                  JSON.stringify(query)
                )
              }
            }
          }
        }
      }
    })
  )

  it.effect("those of an agent, by creation, alone and mixed with other filters, by any page", () =>
    Effect.gen(function* () {
      const { all, assigned, engine, parent } = yield* setUp
      for (const order of ["asc", "desc"] as const) {
        for (const query of [
          { agentId: "cy" },
          { agentId: "nobody" },
          { agentId: "cy", status: ["draft", "active"] },
          { agentId: "cy", createdBy: "ann", q: "t" },
          { agentId: "cy", parentIntentId: parent.id }
        ] as const) {
          const full = yield* engine.intents.list({ ...query, order, limit: 1000 })
          assert.deepStrictEqual(
            [...full.items].toSorted(byId),
            expectedOf(all, assigned, query).toSorted(byId),
            JSON.stringify(query)
          )
          const times = full.items.map((intent) => intent.createdAt.epochMilliseconds)
          assert.deepStrictEqual(
            times,
            times.toSorted((a, b) => (order === "asc" ? a - b : b - a))
          )
          // Many have one time: the cursor must tell them apart.
          yield* pagesAre(
            (page) => engine.intents.list({ ...query, order, ...page }),
            full.items,
            JSON.stringify(query)
          )
        }
      }
    })
  )

  it.effect("limits and names are checked", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const wrong: ReadonlyArray<readonly [ListIntents, string]> = [
        [{ limit: 0 }, "limit"],
        [{ limit: 1001 }, "limit"],
        [{ offset: -1 }, "offset"],
        [{ after: "1.2.3" }, "after"],
        [{ order: "created" as never }, "order"],
        [{ status: "done" as never }, "status"],
        [{ status: ["draft", "suspended_awaiting_input"] as never }, "status"],
        [{ q: "a\0" }, "q"]
      ]
      for (const [query, field] of wrong) {
        const error = yield* Effect.flip(engine.intents.list(query))
        assert.deepStrictEqual(error._tag === "ValidationError" && error.issues.map((issue) => issue.field), [field])
      }
      assert.strictEqual((yield* engine.intents.list()).limit, 50)
    })
  )

  it.effect("decision 11: counted totals are exact beyond the cap, the others end at it and say so", () =>
    Effect.gen(function* () {
      const { all, assigned, engine } = yield* setUp
      const cap = 4
      yield* Effect.acquireUseRelease(
        Effect.sync(() => {
          const before = limits.total
          limits.total = cap
          return before
        }),
        () =>
          Effect.gen(function* () {
            const listing = (query: ListIntents) => (page: Asked) => engine.intents.list({ ...query, ...page })
            for (const query of [
              {},
              { status: "draft" },
              { createdBy: "ann" },
              { parentIntentId: all[0]!.id }
            ] as const) {
              yield* pagesAre(listing(query), expectedOf(all, assigned, query), JSON.stringify(query))
            }
            for (const query of [
              { q: "t" },
              { createdBy: "bo", status: ["draft", "active", "pending", "blocked"] }
            ] as const) {
              yield* pagesAre(listing(query), expectedOf(all, assigned, query), JSON.stringify(query), cap)
            }
            const ofAgent = yield* engine.intents.list({ agentId: "cy", limit: 2 })
            assert.deepStrictEqual([ofAgent.total, ofAgent.totalCapped], [cap, true])
            const exactly = yield* engine.intents.list({ q: "report", limit: 1 })
            const reports = expectedOf(all, assigned, { q: "report" }).length
            assert.deepStrictEqual([exactly.total, exactly.totalCapped], [Math.min(reports, cap), reports > cap])
            const events = yield* engine.events.list(all[0]!.id, { since: "1969-01-01" })
            assert.isFalse(events.totalCapped)
          }),
        (before) =>
          Effect.sync(() => {
            limits.total = before
          })
      )
    })
  )

  it.effect("a total is never less than the rows beside it, whatever was committed between the two reads", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const other = yield* engineOn(storage)
      const made = yield* Effect.forEach(upTo(3), (n) => other.intents.create({ title: `t${n}` }))
      let isRacing = false
      const engine = yield* engineOn({
        ...storage,
        counters: (keys) =>
          Effect.suspend(() =>
            isRacing
              ? Effect.andThen(
                  Effect.orDie(
                    Effect.forEach(made, ({ id }) => other.intents.setStatus(id, { version: 1, status: "abandoned" }))
                  ),
                  storage.counters(keys)
                )
              : storage.counters(keys)
          )
      })
      isRacing = true
      const page = yield* engine.intents.list({ status: "draft" })
      assert.isAtLeast(page.total, page.items.length)
    })
  )
})

describe("Leases.list and Agents.list", () => {
  it.effect("leases by effective status, oldest first, by any page", () =>
    Effect.gen(function* () {
      const engine = yield* engineOn(yield* memoryStorage, { sweepInterval: { _tag: "Infinity" } as never })
      const { id } = yield* engine.intents.create({ title: "t" })
      const acquire = (n: number) =>
        engine.leases.acquire(id, { scope: `s${n}`, duration: n % 4 === 0 ? "1 second" : "1 hour" })
      const leases = yield* Effect.forEach(upTo(12), acquire)
      for (const [i, lease] of leases.entries()) {
        if (i % 4 === 1) yield* engine.leases.release(id, lease.id)
        if (i % 4 === 2) yield* engine.leases.revoke(id, lease.id)
      }
      yield* TestClock.adjust("2 seconds")
      const scopes = (n: number) => [n, n + 4, n + 8].map((m) => `s${m}`)
      const expected = {
        active: scopes(1),
        released: scopes(2),
        revoked: scopes(3),
        expired: scopes(4),
        all: upTo(12).map((n) => `s${n}`)
      }
      for (const status of ["active", "released", "revoked", "expired", "all"] as const) {
        const full = yield* engine.leases.list(id, { status })
        assert.deepStrictEqual(
          full.items.map((lease) => lease.scope),
          expected[status],
          status
        )
        if (status !== "all") for (const lease of full.items) assert.strictEqual(lease.status, status)
        yield* pagesAre((page) => engine.leases.list(id, { status, ...page }), full.items, status)
      }
      assert.deepStrictEqual(
        (yield* engine.leases.list(id)).items.map((lease) => lease.scope),
        expected.active
      )
      assert.strictEqual((yield* Effect.flip(engine.leases.list("none")))._tag, "IntentNotFound")
      assert.strictEqual(
        (yield* Effect.flip(engine.leases.list(id, { status: "gone" as never })))._tag,
        "ValidationError"
      )
    })
  )

  it.effect("semantics 41: an agent is there once, keeps its id, and takes its new role", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const { id } = yield* engine.intents.create({ title: "t" })
      const first = yield* Effect.forEach(upTo(5), (n) => engine.agents.assign(id, { agentId: `a${n}` }))
      yield* TestClock.adjust("1 minute")
      const again = yield* OpenIntent.as("boss")(
        engine.agents.assign(id, { agentId: "a2", role: "lead", delegatedBy: "cy" })
      )
      assert.deepStrictEqual(again, { ...first[1]!, role: "lead" })
      const expected = first.map((one, i) => (i === 1 ? again : one))
      yield* pagesAre((page) => engine.agents.list(id, page), expected, "agents")
      const [event] = (yield* engine.events.list(id, { type: "agent_assigned", limit: 1 })).items
      assert.deepStrictEqual(event?.payload, { agent_id: "a2", role: "lead", reassigned: true, delegated_by: "cy" })
      assert.strictEqual(event?.actor, "boss")
      yield* engine.agents.unassign(id, "a2")
      assert.strictEqual((yield* Effect.flip(engine.agents.unassign(id, "a2")))._tag, "AssignmentNotFound")
      yield* pagesAre(
        (page) => engine.agents.list(id, page),
        [...expected.slice(0, 1), ...expected.slice(2)],
        "without a2"
      )
    })
  )
})
