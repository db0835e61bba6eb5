/** A file that is used more than once: by several connections, by several processes, before and after a restart. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { DatabaseSync } from "node:sqlite"
import { pathToFileURL } from "node:url"
import { Storage, type StorageShape } from "../../src/core/Storage.ts"
import { tables } from "../../src/core/tables.ts"
import { Connection } from "../../src/storage/sqlite/Connection.ts"
import { Graph } from "../../src/storage/sqlite/Graph.ts"
import { migrate } from "../../src/storage/sqlite/migrations.ts"
import { Ranges } from "../../src/storage/sqlite/ranges.ts"
import { SqliteStorage } from "../../src/storage/sqlite/SqliteStorage.ts"
import { makeTables } from "../../src/storage/sqlite/SqliteTables.ts"
import { at, commitOf, creating, eventOf, intentOf, movedOn, put } from "../../src/testing/storageRecords.ts"
import { temporaryFile } from "./sqliteFiles.ts"

const opened = (path: string) =>
  Effect.map(Layer.build(Layer.fresh(SqliteStorage.layerFile(path))), (context) => Context.get(context, Storage))

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

/** Adds one to the version, again until no other was quicker. */
const increment = (storage: StorageShape, id: string): Effect.Effect<void, unknown> =>
  Effect.gen(function* () {
    const { aggregate } = yield* storage.load(id)
    const { intent, revision } = aggregate!
    yield* storage.commit(
      commitOf({
        guards: [movedOn(id, revision)],
        writes: [put.intent({ ...intent, version: intent.version + 1 }, intent)],
        events: [eventOf(`${id}-${intent.version}`, id)],
        counters: new Map([["increments", 1]])
      })
    )
  }).pipe(Effect.catchTag("StaleRevision", () => increment(storage, id)))

describe("sqlite: two storages on one file", () => {
  it.live("racing guarded commits lose nothing", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const storages = [yield* opened(path), yield* opened(path)] as const
      yield* storages[0].commit(creating(intentOf("i1", { version: 0 }), intentOf("i2", { version: 0 })))
      yield* Effect.forEach(upTo(80), (i) => increment(storages[i % 2 === 0 ? 0 : 1], i % 3 === 0 ? "i1" : "i2"), {
        concurrency: 16
      })
      const [one, two] = yield* storages[1].get("intents", ["i1", "i2"])
      assert.deepStrictEqual([one?.version, two?.version], [27, 53])
      assert.deepStrictEqual(yield* storages[0].revisions("intents", ["i1", "i2"]), [28, 54])
      assert.deepStrictEqual(yield* storages[0].counters(["increments"]), [80])
      const count = yield* storages[0].count({ table: "events", index: "all", keys: [[]] }, 1_000)
      assert.strictEqual(count, 80)
    })
  )

  it.live("one hears of the other's commits, and not of its own", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const [one, two] = [yield* opened(path), yield* opened(path)]
      let heard = 0
      const fiber = yield* Effect.forkChild(
        Stream.runForEach(Stream.take(one.changedElsewhere, 2), () => Effect.sync(() => heard++))
      )
      yield* one.commit(commitOf({ events: [eventOf("e1", "i1")] }))
      yield* Effect.sleep("150 millis")
      const before = heard // At most one, of the other's opening.
      yield* two.commit(commitOf({ events: [eventOf("e2", "i1")] }))
      yield* Effect.sleep("150 millis")
      assert.strictEqual(heard, before + 1)
      yield* Fiber.interrupt(fiber)
    })
  )
})

describe("sqlite: several processes on one file", () => {
  const storageUrl = pathToFileURL(`${import.meta.dirname}/../../src/storage/sqlite/SqliteStorage.ts`).href
  const portUrl = pathToFileURL(`${import.meta.dirname}/../../src/core/Storage.ts`).href

  /** Opens the file at a given moment, commits 50 events with a counter, and says so. */
  const script = (path: string, startMillis: number) => `
    import * as Effect from "effect/Effect"
    import { SqliteStorage } from ${JSON.stringify(storageUrl)}
    import { Storage } from ${JSON.stringify(portUrl)}
    while (Date.now() < ${startMillis}) {}
    await Effect.runPromise(Effect.provide(Storage.use((storage) => Effect.forEach(Array.from({ length: 50 }), () =>
      storage.commit({ guards: [], writes: [], events: [], counters: new Map([["c", 1]]) }))),
      SqliteStorage.layerFile(${JSON.stringify(path)})))
    process.stdout.write("done")
  `

  it.live("four that open a new file at the same moment create it once and lose nothing", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const start = Date.now() + 1_500
      const outputs = yield* Effect.promise(() =>
        Promise.all(
          upTo(4).map(async () => {
            const child = spawn(process.execPath, ["--input-type=module", "-e", script(path, start)])
            let output = ""
            child.stdout.on("data", (data) => (output += String(data)))
            child.stderr.on("data", (data) => (output += String(data)))
            await once(child, "close")
            return output.replace(/.*Warning.*\n.*trace-warnings.*\n/, "")
          })
        )
      )
      assert.deepStrictEqual(outputs, ["done", "done", "done", "done"])
      const storage = yield* opened(path)
      assert.deepStrictEqual(yield* storage.counters(["c"]), [200])
    })
  )
})

describe("sqlite: opened again", () => {
  it.effect("time does not go back before the newest events", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      yield* Effect.scoped(
        Effect.gen(function* () {
          const storage = yield* opened(path)
          yield* TestClock.adjust("1 minutes")
          assert.strictEqual((yield* storage.now).epochMilliseconds, 60_000)
          yield* TestClock.setTime(1_000)
          assert.strictEqual((yield* storage.load("i1")).now.epochMilliseconds, 60_000)
          yield* storage.commit(
            commitOf({
              events: [eventOf("e1", "i1", { createdAt: at(90_000) }), eventOf("e2", "i1", { createdAt: at(80_000) })]
            })
          )
        })
      )
      const storage = yield* opened(path)
      assert.strictEqual((yield* storage.now).epochMilliseconds, 90_000)
    })
  )

  it.live("the log beside the file is bounded, and gone after closing", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      yield* Effect.scoped(
        Effect.gen(function* () {
          const storage = yield* opened(path)
          const fill = "x".repeat(20_000)
          for (const round of upTo(20)) {
            yield* Effect.forEach(
              upTo(50),
              (i) => storage.commit(commitOf({ events: [eventOf(`e${round}-${i}`, "i1", { payload: { fill } })] })),
              { concurrency: "unbounded" }
            )
          }
        })
      )
      const other = new DatabaseSync(path, { readOnly: true })
      assert.deepStrictEqual({ ...other.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" })
      other.close()
    })
  )
})

describe("sqlite: statements", () => {
  it.live("no walk and no read by many keys scans a table", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const connection = new Connection(path)
      migrate(connection, path)
      const asked: Array<string> = []
      const statement = connection.statement.bind(connection)
      connection.statement = (sql) => {
        asked.push(sql)
        return statement(sql)
      }
      const made = makeTables(connection)
      for (const id of ["a", "b"]) made.intents.insertNew(intentOf(id, { parentIntentId: id === "b" ? "a" : null }), 1)
      made.dependencies.insert({ intentId: "a", dependencyId: "b", intentCreatedAt: at(1) })
      const graph = new Graph(connection)
      for (const from of ["a", "b"]) {
        for (const step of ["parent", "children", "dependencies", "dependents"] as const)
          graph.reachable([step], from, 9)
        assert.lengthOf(graph.reachable(["children", "dependencies", "dependents", "parent"], from, 9), 1)
      }
      const many = asked.filter(
        (sql) => /walk|json_each.*"(intents|dependencies)"/s.test(sql) && !/"revision".*"dependencies"/s.test(sql)
      )
      assert.isAbove(many.length, 10)
      for (const sql of many) {
        const parameters = Array.from({ length: sql.split("?").length - 1 }, () => "[]")
        const plan = connection.statement(`EXPLAIN QUERY PLAN ${sql}`).rows(...parameters)
        assert.notMatch(plan.map((row) => String(row[3])).join("; "), /SCAN (intents|dependencies)/, sql)
      }
      connection.close()
    })
  )

  it.live("no page, count or tally of a declared index scans or sorts rows", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const connection = new Connection(path)
      migrate(connection, path)
      const asked: Array<string> = []
      const statement = connection.statement.bind(connection)
      connection.statement = (sql) => {
        asked.push(sql)
        return statement(sql)
      }
      const ranges = new Ranges(connection, makeTables(connection))
      asked.length = 0
      for (const [table, { indexes }] of Object.entries(tables)) {
        for (const [index, declared] of Object.entries<{
          readonly columns: ReadonlyArray<string>
          readonly tally?: string
        }>(indexes)) {
          const key = declared.columns.map(() => "x")
          const range = { table, index, keys: [key] } as {
            readonly table: "events"
            readonly index: "all"
            readonly keys: [[]]
          }
          for (const after of [undefined, 3]) {
            ranges.count({ ...range, after }, 10)
            if (declared.tally !== undefined) ranges.tally({ ...range, after })
            for (const direction of ["asc", "desc"] as const) {
              ranges.page({ ...range, after, direction, limit: 10 })
              ranges.page({
                ...range,
                keys: [key, declared.columns.map(() => "y")] as never,
                after,
                direction,
                limit: 10
              })
            }
          }
        }
      }
      const statements = asked.splice(0)
      assert.isAbove(statements.length, 100)
      for (const sql of statements) {
        const details = connection
          .statement(`EXPLAIN QUERY PLAN ${sql}`)
          .rows(...Array.from({ length: sql.split("?").length - 1 }, () => 1))
          .map((row) => String(row[3]))
        const plan = details.join("; ")
        if (!sql.includes("GROUP BY")) assert.notInclude(plan, "TEMP B-TREE", sql)
        if (sql.includes("WHERE")) assert.notMatch(plan, /SCAN (?!\(subquery)/, sql)
        // Where ranges are merged, only the index is read until it is known which rows are asked for.
        const readsIndexOnly = sql.includes("count(*)") || !sql.includes(`"body"`)
        if (readsIndexOnly && sql.includes("WHERE")) assert.match(plan, /COVERING INDEX|PRIMARY KEY/, sql)
      }
      connection.close()
    })
  )
})
