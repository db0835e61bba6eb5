/** Events as bytes, encoded once for all streams that show them alike. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { LogEvent } from "../../core/event/LogEvent.ts"
import type { Intent } from "../../core/intent/Intent.ts"
import type { OpenIntentShape } from "../../core/OpenIntent.ts"
import { aggregateBody } from "../portfolios.ts"
import { clientFrames, isAutoCompleted, isStatusChange, legacyFrame, progressFrame, showsIntent } from "./frames.ts"
import type { Target } from "./frames.ts"

const utf8 = new TextEncoder()

/** Bytes, or the effect that answers them where the engine has to be asked. Empty: nothing of it is shown. */
export type Encoded = Uint8Array | Effect.Effect<Uint8Array>

const orNothing = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A | undefined> =>
  Effect.catch(effect, () => Effect.succeed(undefined))

/** Streams whose frames are the same. */
const keyOf = ({ family, id, kind, profile }: Target): string =>
  `${family} ${profile} ${kind}${kind === "portfolio" ? ` ${id}` : ""}`

/** A value for each thing and key, kept as long as the thing. */
class Cache<Thing extends WeakKey, Value> {
  readonly #values = new WeakMap<Thing, Map<string, Value>>()

  get(thing: Thing, key: string, make: () => Value): Value {
    let values = this.#values.get(thing)
    if (values === undefined) this.#values.set(thing, (values = new Map()))
    let value = values.get(key)
    if (value === undefined) values.set(key, (value = make()))
    return value
  }
}

export class Encoder {
  readonly #engine: OpenIntentShape
  readonly #scope: Scope.Scope
  readonly #frames = new Cache<LogEvent, string>()
  readonly #chunks = new Cache<ReadonlyArray<LogEvent>, Encoded>()

  /** What is asked for many is asked in `scope`: none of them can take it from the others. */
  constructor(engine: OpenIntentShape, scope: Scope.Scope) {
    this.#engine = engine
    this.#scope = scope
  }

  /** Events that came together. Followers of the same share the array, so it is encoded once. `newAfter`: see `#withProgress`. */
  encode(events: ReadonlyArray<LogEvent>, target: Target, newAfter: number): Encoded {
    const isNew = events[0] !== undefined && events[0].position > newAfter
    if (!isNew) return this.#make(events, target, newAfter)
    return this.#chunks.get(events, keyOf(target), () => {
      const made = this.#make(events, target, newAfter)
      return made instanceof Uint8Array ? made : this.#shared(made)
    })
  }

  #make(events: ReadonlyArray<LogEvent>, target: Target, newAfter: number): Encoded {
    if (target.family === "legacy")
      return events.some(showsIntent) ? this.#withIntents(events, target) : this.#legacy(events, target)
    return target.kind === "portfolio" && events.some((event) => event.position > newAfter && isStatusChange(event))
      ? this.#withProgress(events, target, newAfter)
      : utf8.encode(this.#client(events, target))
  }

  #client(events: ReadonlyArray<LogEvent>, target: Target): string {
    const key = keyOf(target)
    let text = ""
    for (const event of events) text += this.#frames.get(event, key, () => clientFrames(event, target))
    return text
  }

  #legacy(events: ReadonlyArray<LogEvent>, target: Target, intents?: ReadonlyMap<string, Intent>): Uint8Array {
    return utf8.encode(events.map((event) => legacyFrame(event, target, intents?.get(event.intentId))).join(""))
  }

  /** An intent that cannot be read now is left out: this family has nothing else to show of it. */
  #withIntents(events: ReadonlyArray<LogEvent>, target: Target): Effect.Effect<Uint8Array> {
    const ids = [...new Set(events.filter(showsIntent).map(({ intentId }) => intentId))]
    return Effect.map(
      Effect.forEach(ids, (id) => orNothing(this.#engine.intents.get(id))),
      (found) => {
        const intents = new Map<string, Intent>()
        for (const intent of found) if (intent !== undefined) intents.set(intent.id, intent)
        return this.#legacy(events, target, intents)
      }
    )
  }

  /** How far the portfolio is, after each change of a status that is newer than `newAfter`; nothing if it cannot be read. */
  #withProgress(events: ReadonlyArray<LogEvent>, target: Target, newAfter: number): Effect.Effect<Uint8Array> {
    return Effect.map(orNothing(this.#engine.portfolios.aggregate(target.id)), (found) => {
      const aggregate = found && aggregateBody(found, target.profile)
      let text = ""
      for (const event of events) {
        text += this.#client([event], target)
        if (aggregate !== undefined && event.position > newAfter && isStatusChange(event))
          text += progressFrame(target.id, aggregate, isAutoCompleted(event, target.id))
      }
      return utf8.encode(text)
    })
  }

  /** Runs once, whoever asks first, and not at the mercy of who did. */
  #shared(effect: Effect.Effect<Uint8Array>): Effect.Effect<Uint8Array> {
    const result = Deferred.makeUnsafe<Uint8Array>()
    let isStarted = false
    return Effect.suspend(() => {
      if (isStarted) return Deferred.await(result)
      isStarted = true
      return Effect.andThen(Effect.forkIn(Deferred.into(effect, result), this.#scope), Deferred.await(result))
    })
  }
}
