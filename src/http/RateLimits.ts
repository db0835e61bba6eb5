/** How often a key may ask, and how often an address may try keys that are wrong: buckets of effect's `RateLimiter`. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Random from "effect/Random"
import { makeForgetting } from "../core/forgetting.ts"
import { makeClientAddress, type Origin } from "./addresses.ts"
import { HttpOptions } from "./HttpOptions.ts"
import { rateLimited, type Refusal } from "./refusals.ts"
import type { Passage } from "./Passage.ts"

/** Says why a request is refused, if so. `keyId` is undefined where its key is wrong or missing. */
export type Admit = (keyId: string | undefined, request: Origin, passage: Passage) => Effect.Effect<Refusal | undefined>

/** Undefined: there is no limit. */
export const RateLimits = Context.Reference<Admit | undefined>("openintent/http/RateLimits", {
  defaultValue: () => undefined
})

/** Of the requests that a key has, how many an address may make with wrong ones. */
const guessShare = 0.1

/** Addresses are told apart by so many places. Who shares one shares its guesses, so that they take no more memory. */
const places = 4096

/** Keys of which it is remembered from where they were right; then the one that came first is forgotten. */
const keysMax = 10_000

/** How long a store may take to answer, and how long it is left alone after it failed. */
const storeTimeout = Duration.seconds(1)
const storePauseMs = 5000

/** What is known of a bucket. Times in milliseconds of the clock. */
interface Bucket {
  /** Whether one was taken. */
  readonly taken: boolean
  readonly left: number
  /** When there is one to take; 0: now. */
  readonly next: number
  /** When all are there again. */
  readonly full: number
}

interface KeyState {
  /** Undefined: the store has to be asked. */
  bucket: Bucket | undefined
  /** A bit for each place from which it was right. */
  readonly places: Uint8Array
}

/** Takes one of the bucket that has this name. */
type Take<A, E> = (key: string) => Effect.Effect<A, E>

/** Each bucket has `limit`, which come back evenly in the window. */
const taking = (
  limiter: RateLimiter.RateLimiter,
  limit: number,
  window: Duration.Duration,
  clock: Clock.Clock
): Take<Bucket, RateLimiter.RateLimitStoreError> => {
  const othersMs = (Duration.toMillis(window) / limit) * (limit - 1)
  return (key) =>
    Effect.matchEffect(limiter.consume({ algorithm: "token-bucket", limit, window, key: `openintent:${key}` }), {
      onSuccess: ({ remaining, resetAfter }) => {
        const now = clock.currentTimeMillisUnsafe()
        const full = now + Duration.toMillis(resetAfter)
        return Effect.succeed({ taken: true, left: remaining, next: remaining > 0 ? 0 : full - othersMs, full })
      },
      onFailure: ({ reason }) => {
        if (reason._tag === "RateLimitStoreError") return Effect.fail(reason)
        const next = clock.currentTimeMillisUnsafe() + Duration.toMillis(reason.retryAfter)
        return Effect.succeed({ taken: false, left: 0, next, full: next + othersMs })
      }
    })
}

/** Of memory, which does not fail. */
const surely =
  (take: Take<Bucket, RateLimiter.RateLimitStoreError>): Take<Bucket, never> =>
  (key) =>
    Effect.orDie(take(key))

/** Of a store elsewhere: while it fails or hangs nobody is refused, and it is asked, and complained of, now and then. */
const leniently = (
  take: Take<Bucket, RateLimiter.RateLimitStoreError>,
  clock: Clock.Clock
): Take<Bucket | undefined, never> => {
  let pausedUntil = 0
  const pause = (reason: string) =>
    Effect.suspend(() => {
      const now = clock.currentTimeMillisUnsafe()
      if (now < pausedUntil) return Effect.undefined
      pausedUntil = now + storePauseMs
      return Effect.as(Effect.logWarning(`requests are not limited: the store of the limits ${reason}`), undefined)
    })
  return (key) =>
    clock.currentTimeMillisUnsafe() < pausedUntil
      ? Effect.undefined
      : Effect.timeoutOrElse(take(key), { duration: storeTimeout, orElse: () => pause("does not answer") }).pipe(
          Effect.catch(({ message }) => pause(`fails: ${message}`))
        )
}

const seconds = (millis: number) => Math.ceil(Math.round(millis) / 1000)

/**
 * By `rateLimit` and `trustedProxies` of `HttpOptions`. What keys have left is in the `RateLimiterStore` of the context,
 * if there is one; wrong keys are counted in memory always, where they wait for nothing and fill no store.
 */
export const makeRateLimits: Effect.Effect<Admit | undefined> = Effect.gen(function* () {
  const { rateLimit, trustedProxies } = yield* HttpOptions
  if (rateLimit === undefined) return undefined
  const { limit, window } = rateLimit
  const clock = yield* Clock.Clock
  // Not to be known: else somebody could share the place of somebody else on purpose.
  const salt = yield* Random.nextInt
  // Of this server alone, also where others are built with the same layers.
  const inMemory = yield* Effect.provide(RateLimiter.make, RateLimiter.layerStoreMemory, { local: true })
  const store = yield* Effect.serviceOption(RateLimiter.RateLimiterStore)
  const limiter = Option.isNone(store)
    ? inMemory
    : yield* Effect.provideService(RateLimiter.make, RateLimiter.RateLimiterStore, store.value)
  const takeOwn = taking(limiter, limit, window, clock)
  const take = Option.isNone(store) ? surely(takeOwn) : leniently(takeOwn, clock)
  const takeGuess = surely(taking(inMemory, Math.max(1, Math.floor(limit * guessShare)), window, clock))
  const policy = `"key";q=${limit};w=${seconds(Duration.toMillis(window))}`
  const addressOf = makeClientAddress(trustedProxies)

  const keys = new Map<string, KeyState>()
  const forget = makeForgetting(keys)
  const barredUntil = new Float64Array(places)

  const placeOf = (address: string): number => {
    let hash = salt | 0
    for (let i = 0; i < address.length; i++) hash = Math.imul(hash ^ address.charCodeAt(i), 0x5bd1e995)
    return (hash ^ (hash >>> 15)) & (places - 1)
  }
  const stateOf = (keyId: string): KeyState => {
    const known = keys.get(keyId)
    if (known !== undefined) return known
    const state = { bucket: undefined, places: new Uint8Array(places / 8) }
    if (keys.size >= keysMax) forget()
    keys.set(keyId, state)
    return state
  }
  const isKnownAt = (keyId: string, place: number): boolean =>
    ((keys.get(keyId)?.places[place >> 3] ?? 0) & (1 << (place & 7))) !== 0

  return (keyId, request, { headers }) => {
    const now = clock.currentTimeMillisUnsafe()
    const place = placeOf(addressOf(request))
    const barred = barredUntil[place] ?? 0
    // Once an address has guessed too often, no answer tells whether a key was right, but to those that were before.
    if (barred > now && (keyId === undefined || !isKnownAt(keyId, place))) {
      return Effect.succeed(rateLimited(seconds(barred - now)))
    }
    if (keyId === undefined) {
      return Effect.map(takeGuess(`guesses:${place}`), ({ next, taken }) => {
        barredUntil[place] = next
        return taken ? undefined : rateLimited(seconds(next - now))
      })
    }
    const state = stateOf(keyId)
    state.places[place >> 3] = (state.places[place >> 3] ?? 0) | (1 << (place & 7))
    const tell = ({ full, left, next, taken }: Bucket): Refusal | undefined => {
      const now = clock.currentTimeMillisUnsafe()
      headers["ratelimit-policy"] = policy
      headers["ratelimit"] = `"key";r=${left};t=${seconds(full - now)}`
      return taken ? undefined : rateLimited(seconds(next - now))
    }
    // Nothing has come back since: the store need not be asked.
    if (state.bucket !== undefined && state.bucket.next > now) {
      return Effect.succeed(tell({ ...state.bucket, taken: false }))
    }
    return Effect.map(take(keyId), (bucket: Bucket | undefined) => {
      state.bucket = bucket
      return bucket && tell(bucket)
    })
  }
})
