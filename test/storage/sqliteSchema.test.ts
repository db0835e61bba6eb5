/** The schema is derived from declarations: what comes out of them is looked at here, and in the review of a change. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { DatabaseSync } from "node:sqlite"
import { expect } from "vitest"
import { Storage, type StorageShape } from "../../src/core/Storage.ts"
import { schema } from "../../src/storage/sqlite/migrations.ts"
import { SqliteStorage } from "../../src/storage/sqlite/SqliteStorage.ts"
import { creating, intentOf } from "../../src/testing/storageRecords.ts"
import { temporaryFile } from "./sqliteFiles.ts"

const using = <A, E>(path: string, use: (storage: StorageShape) => Effect.Effect<A, E>) =>
  Storage.use(use).pipe(Effect.provide(SqliteStorage.layerFile(path)))

const objectsOf = (file: DatabaseSync) =>
  file
    .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY sql")
    .all()
    .map((row) => String(row["sql"]))

describe("sqlite: schema", () => {
  // After a release: append a migration (so that older code refuses the file), then `vitest run -u`.
  it("is the one that was reviewed, with its version", async () => {
    const { statements, version } = schema()
    const text = [`PRAGMA user_version = ${version}`, ...statements].map((statement) => `${statement};\n`).join("")
    await expect(text).toMatchFileSnapshot("./sqliteSchema.sql")
  })

  it.live("a file of an earlier version gets what it lacks and keeps what it has", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      yield* using(path, (storage) => storage.commit(creating(intentOf("i1"))))
      const file = new DatabaseSync(path)
      const all = objectsOf(file)
      file.exec("DROP TABLE claims; DROP INDEX intents_byStatus; PRAGMA user_version = 0")
      file.close()
      const [found, count, claims] = yield* using(path, (storage) =>
        Effect.all([
          storage.get("intents", ["i1"]),
          storage.count({ table: "intents", index: "byStatus", keys: [["draft"]] }, 10),
          storage.revisions("claims", ["sweep"])
        ])
      )
      assert.deepStrictEqual([found[0]?.id, count, claims], ["i1", 1, [0]])
      const again = new DatabaseSync(path, { readOnly: true })
      assert.deepStrictEqual(objectsOf(again), all)
      assert.deepStrictEqual({ ...again.prepare("PRAGMA user_version").get() }, { user_version: schema().version })
      again.close()
    })
  )
})
