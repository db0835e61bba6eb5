/** What can go wrong below, as the callers of the SQLite storage see it. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync
} from "node:fs"
import { dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { type Commit, Storage, type StorageError, type StorageShape } from "../../src/core/Storage.ts"
import { Connection } from "../../src/storage/sqlite/Connection.ts"
import { Counters } from "../../src/storage/sqlite/Counters.ts"
import { GroupCommit } from "../../src/storage/sqlite/GroupCommit.ts"
import { migrate } from "../../src/storage/sqlite/migrations.ts"
import { SqliteStorage, type SqliteOptions } from "../../src/storage/sqlite/SqliteStorage.ts"
import { makeTables } from "../../src/storage/sqlite/SqliteTables.ts"
import {
  commitOf,
  created,
  creating,
  eventOf,
  intentOf,
  leaseOf,
  movedOn,
  put
} from "../../src/testing/storageRecords.ts"
import { temporaryDirectory, temporaryFile } from "./sqliteFiles.ts"

/** Open until the scope of the test ends. */
const opened = (options: SqliteOptions) =>
  Effect.map(Layer.build(Layer.fresh(SqliteStorage.layer(options))), (context) => Context.get(context, Storage))

/** Opens, uses and closes. */
const using = <A, E>(path: string, use: (storage: StorageShape) => Effect.Effect<A, E>) =>
  Storage.use(use).pipe(Effect.provide(SqliteStorage.layerFile(path)))

/** The error of an effect that must fail with one of the storage. */
const faultOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<StorageError, never, R> =>
  Effect.flatMap(Effect.result(effect), (result) => {
    if (Result.isFailure(result)) {
      const error: unknown = result.failure
      if (typeof error === "object" && error !== null && "_tag" in error && error._tag === "StorageError") {
        return Effect.succeed(error as StorageError)
      }
    }
    return Effect.die(new Error(`not a fault: ${JSON.stringify(result)}`))
  })

const messageOf = (error: StorageError) => (error.cause instanceof Error ? error.cause.message : String(error.cause))

const logged = (id: string, size = 0) =>
  commitOf({ events: [eventOf(id, "i1", { payload: { fill: "x".repeat(size) } })] })

const logOf = (storage: StorageShape) =>
  Effect.map(storage.page({ table: "events", index: "all", keys: [[]], direction: "asc", limit: 10_000 }), (rows) =>
    rows.map((row) => row.record.id)
  )

/** Runs all of them at once and answers which were acknowledged. */
const acknowledged = (storage: Pick<StorageShape, "commit">, commits: ReadonlyArray<Commit>) =>
  Effect.map(
    Effect.forEach(commits, (commit) => Effect.result(storage.commit(commit)), { concurrency: "unbounded" }),
    (results) => commits.filter((_, i) => Result.isSuccess(results[i]!)).map((commit) => commit.events[0]!.id)
  )

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

describe("sqlite: files that are refused", () => {
  it.live("one of a newer version is left as it is", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      yield* using(path, (storage) => storage.commit(logged("e1")))
      const other = new DatabaseSync(path)
      other.exec("PRAGMA user_version = 1000")
      other.close()
      const before = readFileSync(path)
      const fault = yield* faultOf(opened({ path }))
      assert.strictEqual(fault.reason, "unsupported")
      assert.isFalse(fault.retryable)
      assert.match(messageOf(fault), /newer version of openintent \(schema 1000/)
      assert.isTrue(before.equals(readFileSync(path)))
    })
  )

  it.live("one of another application is left as it is", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const other = new DatabaseSync(path)
      other.exec("CREATE TABLE theirs (a)")
      other.close()
      const before = readFileSync(path)
      const fault = yield* faultOf(opened({ path }))
      assert.strictEqual(fault.reason, "unsupported")
      assert.match(messageOf(fault), /not one of openintent/)
      assert.isTrue(before.equals(readFileSync(path)))
    })
  )

  it.live("one that is no database is left as it is", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      writeFileSync(path, "a letter to somebody, long enough to be looked at as a header. ".repeat(20))
      const before = readFileSync(path)
      const fault = yield* faultOf(opened({ path }))
      assert.strictEqual(fault.reason, "corrupt")
      assert.match(messageOf(fault), /not a database/)
      assert.isTrue(before.equals(readFileSync(path)))
    })
  )

  it.live("one in a directory that is not there", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory, "none", "test.db")
      const fault = yield* faultOf(opened({ path }))
      assert.strictEqual(fault.reason, "io")
      assert.match(messageOf(fault), /unable to open/)
    })
  )

  const asNobody = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> => {
    if (process.geteuid?.() !== 0) return effect
    return Effect.acquireUseRelease(
      Effect.sync(() => process.seteuid?.(65_534)),
      () => effect,
      () => Effect.sync(() => process.seteuid?.(0))
    )
  }

  it.live("one that can only be read", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      yield* using(path, (storage) => storage.commit(logged("e1")))
      chmodSync(path, 0o444)
      chmodSync(dirname(path), 0o777)
      const fault = yield* asNobody(faultOf(Effect.scoped(opened({ path }))))
      assert.strictEqual(fault.reason, "readonly")
      chmodSync(path, 0o644)
      assert.deepStrictEqual(yield* using(path, logOf), ["e1"])
    })
  )
})

describe("sqlite: a busy file", () => {
  const locked = (path: string) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const other = new DatabaseSync(path, { timeout: 0 })
        other.exec("BEGIN IMMEDIATE")
        return other
      }),
      (other) => Effect.sync(() => other.close())
    )

  it.live("is a typed, retryable error after the timeout, without standing still, and works afterwards", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const storage = yield* opened({ path, busyTimeout: "60 millis" })
      const other = yield* locked(path)
      let turns = 0
      const timer = setInterval(() => turns++, 1)
      const faults = yield* Effect.forEach(upTo(10), (i) => faultOf(storage.commit(logged(`e${i}`))), {
        concurrency: "unbounded"
      })
      clearInterval(timer)
      for (const fault of faults) assert.deepStrictEqual([fault.reason, fault.retryable], ["busy", true])
      assert.isAbove(turns, 10)
      assert.strictEqual((yield* faultOf(storage.check)).reason, "busy")
      assert.strictEqual((yield* faultOf(storage.exclusively((inside) => inside.lastPosition))).reason, "busy")
      assert.deepStrictEqual(yield* logOf(storage), []) // Readers are not in the way of a writer.
      other.exec("ROLLBACK")
      yield* storage.commit(logged("e"))
      yield* storage.check
      assert.deepStrictEqual(yield* logOf(storage), ["e"])
    })
  )

  it.live("is waited for, in order", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const storage = yield* opened({ path })
      const other = yield* locked(path)
      const waiting = yield* Effect.forkChild(
        Effect.forEach(upTo(5), (i) => storage.commit(logged(`e${i}`)), { concurrency: "unbounded" })
      )
      yield* Effect.sleep("30 millis")
      assert.isUndefined(waiting.pollUnsafe())
      other.exec("COMMIT")
      assert.deepStrictEqual(yield* Fiber.join(waiting), [[1], [2], [3], [4], [5]])
    })
  )

  it.live("is waited for when it is opened", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const other = yield* locked(path)
      const fault = yield* faultOf(opened({ path, busyTimeout: "30 millis" }))
      assert.deepStrictEqual([fault.operation, fault.reason, fault.retryable], ["open", "busy", true])
      const waiting = yield* Effect.forkChild(using(path, (storage) => storage.lastPosition))
      yield* Effect.sleep("20 millis")
      other.exec("ROLLBACK")
      assert.strictEqual(yield* Fiber.join(waiting), 0)
    })
  )
})

describe("sqlite: a full disk", () => {
  /** The writing half of a storage, on a connection of the test's own. */
  const writer = (path: string) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const connection = new Connection(path)
        connection.value("PRAGMA journal_mode = WAL")
        migrate(connection, path)
        const commits = new GroupCommit(
          connection,
          makeTables(connection),
          new Counters(connection),
          1_000,
          () => {},
          () => {}
        )
        return { connection, commits }
      }),
      ({ connection }) => Effect.sync(() => connection.close())
    )

  it.live("fails what does not fit, acknowledges nothing of it, and works again when there is room", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const { commits, connection } = yield* writer(path)
      connection.execute(`PRAGMA max_page_count = ${Number(connection.value("PRAGMA page_count")) + 20}`)
      const told: Array<string> = []
      let fault: StorageError | undefined
      for (let round = 0; fault === undefined; round++) {
        const batch = upTo(8).map((i) => logged(`e${round}-${i}`, 2_000))
        const ids = yield* acknowledged(commits, batch)
        told.push(...ids)
        if (ids.length < batch.length) fault = yield* faultOf(commits.commit(logged("large", 100_000)))
      }
      assert.deepStrictEqual([fault.reason, fault.retryable], ["full", true])
      connection.execute("PRAGMA max_page_count = 10000")
      told.push(...(yield* acknowledged(commits, [logged("after")])))
      assert.deepStrictEqual(yield* using(path, logOf), told)
    })
  )

  it.live("a COMMIT that fails fails all of its batch and leaves nothing", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const { commits, connection } = yield* writer(path)
      const commit = connection.commit.bind(connection)
      connection.commit = () => {
        connection.commit = commit
        throw Object.assign(new Error("database or disk is full"), { code: "ERR_SQLITE_ERROR", errcode: 13 })
      }
      const faults = yield* Effect.forEach(upTo(5), (i) => faultOf(commits.commit(logged(`e${i}`))), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(new Set(faults.map((fault) => fault.reason)), new Set(["full"]))
      yield* commits.commit(logged("after"))
      assert.deepStrictEqual(yield* using(path, logOf), ["after"])
    })
  )

  /** A file system of 2 MB, where the machine allows it (Linux, root). */
  const small = Effect.gen(function* () {
    const path = join(yield* temporaryDirectory, "small")
    mkdirSync(path)
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", path], { stdio: "ignore" })
    yield* Effect.addFinalizer(() => Effect.sync(() => execFileSync("umount", ["-l", path])))
    return path
  })
  const mounts = Exit.isSuccess(Effect.runSyncExit(Effect.scoped(small)))

  it.live.skipIf(!mounts)("a file system without space: check and commits fail as full, and recover", () =>
    Effect.gen(function* () {
      const directory = yield* small
      const path = join(directory, "test.db")
      const ballast = join(directory, "ballast")
      const told = yield* Effect.scoped(
        Effect.gen(function* () {
          const storage = yield* opened({ path })
          const told = [
            ...(yield* acknowledged(
              storage,
              upTo(5).map((i) => logged(`a${i}`))
            ))
          ]
          assert.strictEqual(told.length, 5)
          const descriptor = openSync(ballast, "w")
          const block = Buffer.alloc(4_096)
          assert.throws(() => {
            for (;;) writeSync(descriptor, block)
          }, /ENOSPC/)
          for (const round of upTo(3)) {
            const batch = upTo(20).map((i) => logged(`b${round}-${i}`, 5_000))
            told.push(...(yield* acknowledged(storage, batch)))
          }
          const faults = [yield* faultOf(storage.commit(logged("large", 500_000))), yield* faultOf(storage.check)]
          assert.deepStrictEqual(new Set(faults.map((fault) => fault.reason)), new Set(["full"]))
          assert.deepStrictEqual(yield* logOf(storage), told)
          closeSync(descriptor)
          rmSync(ballast)
          yield* storage.check
          told.push(...(yield* acknowledged(storage, [logged("c", 5_000)])))
          assert.strictEqual(told.at(-1), "c")
          return told
        })
      )
      assert.deepStrictEqual(yield* using(path, logOf), told)
    })
  )
})

describe("sqlite: a corrupt file", () => {
  it.live("is a typed error, not a defect", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      yield* using(path, (storage) =>
        Effect.forEach(upTo(20), (i) =>
          storage.commit({ ...creating(intentOf(`i${i}`)), events: [eventOf(`e${i}`, `i${i}`)] })
        )
      )
      const descriptor = openSync(path, "r+")
      // All but the schema, which is on the first pages.
      for (let page = 8; page < statSync(path).size / 4_096; page++)
        writeSync(descriptor, Buffer.alloc(4_096, 0xa5), 0, 4_096, page * 4_096)
      const faults = yield* Effect.result(
        using(path, (storage) =>
          Effect.all([
            faultOf(storage.commit(creating(intentOf("i100")))),
            faultOf(storage.get("intents", ["i3"])),
            faultOf(storage.page({ table: "events", index: "all", keys: [[]], direction: "desc", limit: 10 }))
          ])
        )
      )
      const reasons = Result.isSuccess(faults) ? faults.success.map((fault) => fault.reason) : [faults.failure.reason]
      assert.deepStrictEqual(new Set(reasons), new Set(["corrupt"]))
    })
  )

  it.live("a body that is no JSON any more is one too", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      yield* using(path, (storage) => storage.commit(creating(intentOf("i1"), intentOf("i2"))))
      const other = new DatabaseSync(path)
      other.exec("UPDATE intents SET body = '{' WHERE id = 'i1'")
      other.close()
      yield* using(path, (storage) =>
        Effect.gen(function* () {
          assert.strictEqual((yield* faultOf(storage.load("i1"))).reason, "corrupt")
          assert.strictEqual((yield* storage.load("i2")).aggregate?.revision, 1)
        })
      )
    })
  )
})

describe("sqlite: commits that share a transaction", () => {
  it.live("only the one that breaks a constraint fails", () =>
    Effect.gen(function* () {
      const storage = yield* opened({ path: yield* temporaryFile })
      yield* storage.commit(
        commitOf({
          guards: [created("i1")],
          writes: [put.intent(intentOf("i1")), put.lease(leaseOf("l0", "i1", { scope: "a" }))]
        })
      )
      const commits = [
        logged("e0"),
        commitOf({
          writes: [put.lease(leaseOf("l1", "i1", { scope: "b" }))],
          events: [eventOf("e1", "i1")],
          counters: new Map([["c", 1]])
        }),
        commitOf({
          writes: [put.lease(leaseOf("l2", "i1", { scope: "a" }))],
          events: [eventOf("e2", "i1")],
          counters: new Map([["c", 10]])
        }),
        commitOf({ guards: [movedOn("i1", 7)], events: [eventOf("e3", "i1")], counters: new Map([["c", 100]]) }),
        commitOf({ guards: [movedOn("i1", 1)], events: [eventOf("e4", "i1")], counters: new Map([["c", 1000]]) })
      ]
      const results = yield* Effect.forEach(commits, (commit) => Effect.result(storage.commit(commit)), {
        concurrency: "unbounded"
      })
      const ends = results.map((result) =>
        Result.isSuccess(result)
          ? result.success
          : result.failure._tag === "StorageError"
            ? result.failure.reason
            : "stale"
      )
      assert.deepStrictEqual(ends, [[1], [2], "constraint", "stale", [3]])
      assert.deepStrictEqual(yield* logOf(storage), ["e0", "e1", "e4"])
      assert.deepStrictEqual(yield* storage.counters(["c"]), [1001])
    })
  )

  it.live("one that cannot be written as JSON is a defect of its own caller", () =>
    Effect.gen(function* () {
      const storage = yield* opened({ path: ":memory:" })
      const bad = commitOf({ events: [eventOf("bad", "i1", { payload: JSON.parse("{}") })] })
      Object.assign(bad.events[0]!.payload, { big: 1n })
      const exits = yield* Effect.forEach(
        [logged("e0"), bad, logged("e1")],
        (commit) => Effect.exit(storage.commit(commit)),
        {
          concurrency: "unbounded"
        }
      )
      assert.deepStrictEqual(
        exits.map((exit) => exit._tag),
        ["Success", "Failure", "Success"]
      )
      assert.isTrue(Exit.isFailure(exits[1]!) && Cause.hasDies(exits[1].cause))
      assert.deepStrictEqual(yield* logOf(storage), ["e0", "e1"])
    })
  )

  it.live("one whose caller is interrupted is written all the same, with the others", () =>
    Effect.gen(function* () {
      const storage = yield* opened({ path: ":memory:" })
      const fiber = yield* Effect.forkChild(storage.commit(logged("e0")), { startImmediately: true })
      const other = yield* Effect.forkChild(storage.commit(logged("e1")), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* Fiber.join(other), [2])
      assert.deepStrictEqual(yield* logOf(storage), ["e0", "e1"])
    })
  )

  it.live("work that waits is a defect, and nothing of it is left", () =>
    Effect.gen(function* () {
      const storage = yield* opened({ path: ":memory:" })
      let kept: StorageShape | undefined
      const exit = yield* Effect.exit(
        storage.exclusively((inside) => {
          kept = inside
          return Effect.andThen(inside.commit(logged("e0")), Effect.sleep("1 millis"))
        })
      )
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.deepStrictEqual(yield* logOf(storage), [])
      assert.strictEqual((yield* faultOf(kept!.commit(logged("e1")))).reason, "closed")
    })
  )
})

describe("sqlite: closing", () => {
  it.live("writes what was handed over, then refuses everything", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const { fibers, storage } = yield* Effect.scoped(
        Effect.gen(function* () {
          const storage = yield* opened({ path })
          const fibers = yield* Effect.forEach(upTo(300), (i) =>
            Effect.forkDetach(storage.commit(logged(`e${i}`)), { startImmediately: true })
          )
          return { fibers, storage }
        })
      )
      const positions = yield* Effect.forEach(fibers, Fiber.join)
      assert.strictEqual(positions.length, 300)
      const calls: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        storage.commit(logged("late")),
        storage.load("i1"),
        storage.check,
        storage.lastPosition,
        storage.exclusively((inside) => inside.lastPosition)
      ]
      for (const call of calls) assert.strictEqual((yield* faultOf(call)).reason, "closed")
      assert.strictEqual((yield* using(path, logOf)).length, 300)
    })
  )
})
