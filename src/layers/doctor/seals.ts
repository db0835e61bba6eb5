/** Checks the whole log against its seals. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Sha256 } from "../../core/seal/Sha256.ts"
import { verifyIntent } from "../../core/seal/verify.ts"
import type { StorageShape } from "../../core/Storage.ts"
import { Storage } from "../../core/Storage.ts"
import { SqliteStorage } from "../../storage/sqlite/SqliteStorage.ts"
import { oneLine } from "../cli/output.ts"
import { type Logs, logsIn } from "../logs.ts"
import { sha256 } from "../sha256.ts"
import { type Finding, ok, problem } from "./Finding.ts"

const verifyAll = Effect.fnUntraced(function* (storage: StorageShape) {
  const digest = yield* Sha256
  if (digest === undefined) return yield* Effect.die(new Error("a digest is provided below"))
  let intents = 0
  for (let after: string | undefined = ""; after !== undefined;) {
    const { ids, next }: Logs = yield* logsIn(storage, after)
    for (const id of ids) {
      const { break: found } = yield* verifyIntent(storage, digest, id)
      if (found !== null)
        return problem(
          "seals.valid",
          `the log of intent ${id} is not what was sealed: ${found.kind} at ${found.sequence}`
        )
    }
    intents += ids.length
    after = next
  }
  return ok("seals.valid", `the logs of ${intents} intents are what was sealed`)
})

export const judgeSeals = (path: string): Effect.Effect<Finding> =>
  Storage.use(verifyAll).pipe(
    Effect.provide(Layer.merge(SqliteStorage.layerReadOnly(path), sha256)),
    Effect.catchTag("StorageError", (error) =>
      Effect.succeed(problem("seals.valid", `could not be looked at: ${oneLine(error.message)}`))
    )
  )
