/** Looks at all there is to look at. Changes nothing. */
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { inspect } from "../../storage/sqlite/inspect.ts"
import { judgeDatabase } from "./database.ts"
import { judgeFile, judgeFileSystem, lookAtFile, lookAtFileSystem } from "./file.ts"
import { type Finding, problem } from "./Finding.ts"
import { judgeMachine, lookAtMachine } from "./machine.ts"
import { judgeSeals } from "./seals.ts"
import { judgeSettings } from "./settings.ts"

export interface Examination {
  readonly file: string
  /** Whether every row and every seal is looked at, else a part of them. */
  readonly isWhole: boolean
  readonly variables: { readonly [name: string]: string | undefined }
}

/** The file system says why. */
class NotLooked extends Data.TaggedError("NotLooked")<{ readonly cause: unknown }> {
  override get message() {
    return this.cause instanceof Error ? this.cause.message : String(this.cause)
  }
}

const isMissing = ({ cause }: NotLooked): boolean =>
  cause instanceof Error && "code" in cause && cause.code === "ENOENT"

const ofFile = Effect.fnUntraced(function* ({ file, isWhole }: Examination) {
  const state = yield* Effect.tryPromise({ try: () => lookAtFile(file), catch: (cause) => new NotLooked({ cause }) })
  const found = judgeFile(state)
  const system = judgeFileSystem(yield* Effect.promise(() => lookAtFileSystem(file)), state.bytes)
  if (!state.isFile || !state.isReadable) return [...found, ...system]
  const inspected = inspect(file, { isWhole })
  const inside = judgeDatabase(inspected, yield* DateTime.now)
  const isOurs = inside.some(({ id, level }) => id === "database.schema" && level === "ok")
  return [...found, ...system, ...inside, ...(isWhole && isOurs ? [yield* judgeSeals(file)] : [])]
})

/** Fails with what keeps it from looking. */
export const examine = (examination: Examination): Effect.Effect<ReadonlyArray<Finding>, NotLooked> =>
  Effect.map(
    Effect.catchIf(ofFile(examination), isMissing, () =>
      Effect.succeed([problem("file.exists", `there is no file ${examination.file}: a server makes it when it starts`)])
    ),
    (found) => [...found, ...judgeMachine(lookAtMachine()), ...judgeSettings(examination.variables)]
  )
