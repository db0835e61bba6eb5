/**
 * The keys of the storage as a server knows them: in memory, so that no request waits for the storage, and looked at
 * again several times a second, so that keys that any process makes or revokes count within a second.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { StoredKey } from "../core/apiKey/ApiKey.ts"
import { ApiKeys, type ApiKeysShape } from "../core/apiKey/ApiKeys.ts"
import { type EngineError, StorageUnavailable } from "../core/Errors.ts"
import { refusalOf } from "./failures.ts"
import { type KeyEntry, noneStored, storedEntry, type StoredKeys } from "./keys.ts"

const lookInterval = "250 millis"

/**
 * Looks in a row that may fail before what they last saw counts no more: a minute of them. So a fault that passes locks
 * nobody out, and one that does not keeps a key that was revoked meanwhile for a minute at most. Then stored keys are
 * answered 503 until the storage can be read; configured keys need no storage.
 */
const failuresMax = 240

const unavailable = refusalOf(
  new StorageUnavailable({ operation: "read the API keys", reason: "unreachable", retryable: true })
)

interface Known extends KeyEntry {
  readonly expiresAt: number
}

const known = (key: StoredKey): Known => ({
  ...storedEntry(key),
  expiresAt: key.expiresAt?.epochMilliseconds ?? Number.POSITIVE_INFINITY
})

/** Fails where the first look does. The looks end with the scope. */
const follow = (keys: ApiKeysShape): Effect.Effect<StoredKeys, EngineError, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    let entries: ReadonlyMap<string, Known> = new Map()
    let seen = 0
    let failures = 0
    let latest = 0
    /** Never goes back, so that a key that is over stays so when the clock is set back. */
    const now = (): number => (latest = Math.max(latest, clock.currentTimeMillisUnsafe()))

    /** The changes before the keys: what is made in between is found by the next look. */
    const look = Effect.gen(function* () {
      const changes = yield* keys.changes
      if (changes !== seen) {
        const open = yield* keys.open
        entries = new Map(open.map((key) => [key.id, known(key)]))
        seen = changes
      }
      if (failures > 0) yield* Effect.logInfo("the API keys of the storage are known again")
      failures = 0
    })

    const lookAgain = Effect.catch(look, (error) => {
      failures++
      return failures === 1 ? Effect.logWarning("the API keys of the storage cannot be read", error) : Effect.void
    })

    yield* look
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(lookInterval), lookAgain)))

    const isOpen = ({ expiresAt }: Known): boolean => now() < expiresAt
    return {
      find: (id) => {
        const entry = failures > failuresMax ? undefined : entries.get(id)
        return entry !== undefined && isOpen(entry) ? entry : undefined
      },
      unknown: () => (failures > failuresMax ? unavailable : undefined),
      areOpen: () => [...entries.values()].some(isOpen),
      wereEver: () => seen > 0
    }
  })

/** The stored keys of the engine that is served; none where it is behind another server. */
export const storedKeys: Effect.Effect<StoredKeys, EngineError, Scope.Scope> = Effect.flatMap(
  Effect.serviceOption(ApiKeys),
  Option.match({ onNone: () => Effect.succeed(noneStored), onSome: follow })
)
