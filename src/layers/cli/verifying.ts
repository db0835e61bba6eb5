/** What `openintent verify` does: intent after intent, in the memory of one. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type CommonError, OpenIntent } from "../../core/OpenIntent.ts"
import { Sha256 } from "../../core/seal/Sha256.ts"
import type { SealedPoint, Verification, VerifyEvents } from "../../core/seal/Verification.ts"
import { verifyIntent } from "../../core/seal/verify.ts"
import { Storage } from "../../core/Storage.ts"
import { told } from "../../core/storageFaults.ts"
import { verificationBody } from "../../http/verification.ts"
import { type Logs, logsIn } from "../logs.ts"
import { sha256 } from "../sha256.ts"
import { engineAt, existing, fileOf, notAnswered, type Target } from "./engine.ts"
import { cannotLook, type CommandFailed, notOpened } from "./failure.ts"
import { printLine, writeLine } from "./output.ts"

interface Asked {
  /** None: all. */
  readonly intents: ReadonlyArray<string>
  readonly expect: SealedPoint | undefined
  readonly json: boolean
}

/** Where logs can be checked. */
interface Verifier {
  /** A page of the ids of all intents; "" is the first. */
  readonly page: (after: string) => Effect.Effect<Logs, CommandFailed>
  /** Undefined: there is no such intent. */
  readonly verify: (intentId: string, options: VerifyEvents) => Effect.Effect<Verification | undefined, CommandFailed>
}

const pageSize = 500

const overEngine = (target: Target) =>
  Effect.map(OpenIntent, ({ events, intents }): Verifier => ({
    page: (after) =>
      intents.list({ order: "asc", limit: pageSize, ...(after === "" ? undefined : { after }) }).pipe(
        Effect.map(({ items, next }) => ({ ids: items.map(({ id }) => id), next })),
        Effect.mapError((error) => notAnswered(error, target))
      ),
    verify: (intentId, options) =>
      events.verify(intentId, options).pipe(
        Effect.catchTag("IntentNotFound", () => Effect.undefined),
        Effect.mapError((error: CommonError) => notAnswered(error, target))
      )
  }))

/** The file itself, as it is: an engine on it would work in the background. */
const overFile = (target: Target) =>
  Effect.gen(function* () {
    const storage = yield* Storage
    const digest = yield* Sha256
    if (digest === undefined) return yield* Effect.die(new Error("no SHA-256"))
    const verifier: Verifier = {
      page: (after) => Effect.mapError(told(logsIn(storage, after)), (error) => notAnswered(error, target)),
      verify: (intentId, options) =>
        Effect.gen(function* () {
          const found = yield* verifyIntent(storage, digest, intentId, options)
          const [revision] = yield* storage.revisions("intents", [intentId])
          // Of an intent that never was, nothing is there.
          const isKnown = revision !== 0 || found.eventCount > 0 || (found.break?.sequence ?? 0) > 0
          return isKnown ? found : undefined
        }).pipe(told, (effect) => Effect.mapError(effect, (error) => notAnswered(error, target)))
    }
    return verifier
  })

const verifierAt = Effect.fnUntraced(function* (target: Target) {
  if (target._tag === "Server") {
    const engine = yield* Layer.build(engineAt(target))
    return yield* Effect.provideContext(overEngine(target), engine)
  }
  const { databaseUrl } = target
  const path = yield* Effect.flatMap(fileOf(databaseUrl), existing)
  const { SqliteStorage } = yield* Effect.promise(() => import("../../storage/sqlite/SqliteStorage.ts"))
  const storage = yield* Effect.mapError(Layer.build(Layer.merge(SqliteStorage.layerReadOnly(path), sha256)), (error) =>
    cannotLook(notOpened(error, databaseUrl))
  )
  return yield* Effect.provideContext(overFile(target), storage)
})

/** As in `changed at 1042: expected sha256:…, found sha256:…`. */
const breakText = ({ expected, found, kind, sequence }: NonNullable<Verification["break"]>): string => {
  const hashes = [expected && `expected ${expected}`, found && `found ${found}`].filter((text) => text !== undefined)
  return `${kind} at ${sequence}${hashes.length === 0 ? "" : `: ${hashes.join(", ")}`}`
}

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`

const lineOf = (found: Verification): string => {
  if (found.break !== null) return `${found.intentId}: ${breakText(found.break)}`
  const head = found.head === null ? "none is sealed yet" : `head ${found.head.sequence}:${found.head.hash}`
  return `${found.intentId}: ok, ${plural(found.eventCount, "event")}, ${head}`
}

/** What was found of all. */
class Summary {
  intents = 0
  broken = 0
  events = 0
  unsealed = 0
  sealedThrough = 0

  add(found: Verification): void {
    this.intents++
    if (!found.valid) this.broken++
    this.events += found.eventCount
    this.unsealed += found.unsealedCount
    this.sealedThrough = Math.max(this.sealedThrough, found.sealedThrough)
  }

  get document() {
    return {
      valid: this.broken === 0,
      intents: this.intents,
      broken: this.broken,
      event_count: this.events,
      unsealed_count: this.unsealed,
      sealed_through: this.sealedThrough
    }
  }

  get line(): string {
    const looked = `${plural(this.intents, "intent")}, ${plural(this.events, "event")}`
    const verdict = this.broken === 0 ? "all as they were sealed" : `${this.broken} not as they were sealed`
    return `${looked}: ${verdict}, up to ${this.sealedThrough}; ${this.unsealed} not sealed yet`
  }
}

/** Checks and tells; true if all is as it was sealed. */
export const verifyAt = Effect.fnUntraced(function* (target: Target, { expect, intents, json }: Asked) {
  const verifier = yield* verifierAt(target)
  const summary = new Summary()
  const look = Effect.fnUntraced(function* (intentId: string) {
    const found = yield* verifier.verify(intentId, { expect })
    if (found === undefined) return yield* cannotLook(`there is no intent ${intentId}`)
    summary.add(found)
    if (json) yield* printLine(verificationBody(found))
    else if (!found.valid || intents.length > 0) yield* writeLine(lineOf(found))
  })
  if (intents.length > 0) yield* Effect.forEach(intents, look, { discard: true })
  else
    for (let after: string | undefined = ""; after !== undefined;) {
      const { ids, next }: Logs = yield* verifier.page(after)
      yield* Effect.forEach(ids, look, { discard: true })
      after = next
    }
  yield* json ? printLine(summary.document) : writeLine(summary.line)
  return summary.broken === 0
}, Effect.scoped)
