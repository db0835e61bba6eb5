import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { chmodSync, readdirSync, readFileSync, statSync } from "node:fs"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import { createKey } from "../../src/http/createKey.ts"
import { sqlite } from "../../src/layers/sqlite.ts"
import { newFolder } from "../layers/processes.ts"

const modes = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [name, (statSync(`${folder}/${name}`).mode & 0o777).toString(8)])
  )

/** The modes of the files in the folder while an engine works on its database. */
const whileOpen = (folder: string) =>
  Effect.gen(function* () {
    yield* (yield* OpenIntent).intents.create({ title: "x" })
    return modes(folder)
  }).pipe(Effect.provide(sqlite(`${folder}/work.db`)))

it.live.skipIf(process.platform === "win32")(
  "a new file is for its owner alone, as is its log; one that is there stays as it is",
  () =>
    Effect.gen(function* () {
      const folder = newFolder()
      assert.deepStrictEqual(yield* whileOpen(folder), { "work.db": "600", "work.db-shm": "600", "work.db-wal": "600" })
      chmodSync(`${folder}/work.db`, 0o640)
      assert.deepStrictEqual(yield* whileOpen(folder), { "work.db": "640", "work.db-shm": "640", "work.db-wal": "640" })
    })
)

it.live("the file has no key, and no word of its secret", () =>
  Effect.gen(function* () {
    const folder = newFolder()
    const { key, stored } = yield* Effect.provide(createKey({ label: "for the test" }), sqlite(`${folder}/work.db`))
    const bytes = readdirSync(folder)
      .map((name) => readFileSync(`${folder}/${name}`, "latin1"))
      .join("")
    const [, , secret = ""] = Redacted.value(key).split("_")
    assert.lengthOf(secret, 38)
    assert.include(bytes, stored.hash)
    assert.notInclude(bytes, secret)
    assert.notInclude(bytes, secret.slice(0, 12))
  })
)
