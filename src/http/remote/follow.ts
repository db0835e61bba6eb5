/** `events.follow` over server-sent events: connects again, from the last event it has seen, however a stream ended. */
import * as Arr from "effect/Array"
import type * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { StorageUnavailable } from "../../core/Errors.ts"
import { readFollow } from "../../core/event/follow.ts"
import type { FollowEvents, LogEvent } from "../../core/event/LogEvent.ts"
import type { FollowScope } from "../../core/event/membership.ts"
import type { OpenIntentShape } from "../../core/OpenIntent.ts"
import { EventBody } from "../wire.ts"
import { ask, type Client, given, invalid } from "./call.ts"
import type { Call } from "./ids.ts"
import { eventOf } from "./records.ts"

/** The longest wait before it connects again. */
const delayMax = Duration.seconds(30)
/** A server sends something every 15 seconds: after this silence nobody is there. */
const silenceMax = Duration.minutes(1)

type Failure = Stream.Error<ReturnType<OpenIntentShape["events"]["follow"]>>

const tags = ["IntentNotFound", "PortfolioNotFound"] as const

const callOf = (scope: FollowScope): Call => {
  const call = { operation: "events.follow" }
  switch (scope._tag) {
    case "Intent":
      return { ...call, intentId: scope.id }
    case "Portfolio":
      return { ...call, portfolioId: scope.id }
    case "Agent":
      return { ...call, agentId: scope.id }
    case "Everything":
      return call
  }
}

const request = ({ streams }: Client, scope: FollowScope, position: number | undefined) => {
  const resuming = {
    headers: given({ "last-event-id": position === undefined ? undefined : String(position) }),
    query: {}
  }
  switch (scope._tag) {
    case "Intent":
      return streams.intent({ params: { id: scope.id }, ...resuming })
    case "Portfolio":
      return streams.portfolio({ params: { id: scope.id }, ...resuming })
    case "Agent":
      return streams.agent({ params: { id: scope.id }, ...resuming })
    case "Everything":
      return Effect.die(new Error("the contract has no stream of all events"))
  }
}

/** Worth another try: nobody answered, or the server cannot serve now. */
const isPassing = (error: Failure): boolean =>
  error._tag === "Busy" || (error._tag === "StorageUnavailable" && error.retryable)

const decodeEvent = Schema.decodeUnknownEffect(EventBody)

/** Frames of a stream; those that are no events of the log have no `event_id`. */
class Frames {
  #taken: Array<unknown> = []
  readonly #utf8 = new TextDecoder()
  readonly #parser = Sse.makeParser((frame) => {
    if (frame._tag === "Event") this.#taken.push({ name: frame.event, data: JSON.parse(frame.data) })
  })

  /** The whole frames that end in these bytes; throws on what is no JSON. */
  take(bytes: Arr.NonEmptyReadonlyArray<Uint8Array>): ReadonlyArray<unknown> {
    for (const part of bytes) {
      const error = this.#parser.feed(this.#utf8.decode(part, { stream: true }))
      if (error !== undefined) throw error
    }
    const taken = this.#taken
    this.#taken = []
    return taken
  }
}

/** One stream that is open. */
interface Open {
  readonly pull: Effect.Effect<Arr.NonEmptyReadonlyArray<Uint8Array>, unknown>
  readonly frames: Frames
  readonly scope: Scope.Closeable
}

class RemoteFollower {
  readonly #client: Client
  readonly #scope: FollowScope
  readonly #query: FollowEvents
  readonly #delayMin: Duration.Duration
  readonly #call: Call
  #position: number | undefined
  #open: Open | undefined
  #isStarted = false
  /** Connections in a row that brought nothing. */
  #failures = 0

  constructor(client: Client, scope: FollowScope, query: FollowEvents, delayMin: Duration.Duration) {
    this.#client = client
    this.#scope = scope
    this.#query = query
    this.#delayMin = delayMin
    this.#call = callOf(scope)
    this.#position = query.after
  }

  readonly pull: Effect.Effect<Arr.NonEmptyReadonlyArray<LogEvent>, Failure> = Effect.suspend(() => {
    const open = this.#open
    if (open === undefined) return Effect.andThen(this.#connect, this.pull)
    return Effect.matchEffect(Effect.timeoutOption(open.pull, silenceMax), {
      onSuccess: (bytes) =>
        bytes._tag === "None"
          ? Effect.andThen(this.#again, this.pull)
          : Effect.flatMap(this.#events(open, bytes.value), (events) =>
              Arr.isReadonlyArrayNonEmpty(events) ? Effect.succeed(events) : this.pull
            ),
      // Its end, a broken connection: all the same.
      onFailure: () => Effect.andThen(this.#again, this.pull)
    })
  })

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    const open = this.#open
    this.#open = undefined
    return open === undefined ? Effect.void : Scope.close(open.scope, Exit.void)
  })

  readonly #connect: Effect.Effect<void, Failure> = Effect.suspend(() =>
    Effect.matchEffect(
      ask(this.#call, tags, request(this.#client, this.#scope, this.#position), (stream) => stream),
      {
        onSuccess: (stream) =>
          Effect.gen({ self: this }, function* () {
            const scope = yield* Scope.make()
            const pull = yield* Scope.provide(Stream.toPull(stream), scope)
            this.#open = { pull, frames: new Frames(), scope }
          }),
        onFailure: (error) => (isPassing(error) ? this.#wait : Effect.fail(error))
      }
    )
  )

  readonly #again: Effect.Effect<void> = Effect.suspend(() => Effect.andThen(this.close, this.#wait))

  /** Longer after each connection that brought nothing; by chance, so that those who were cut together come apart. */
  readonly #wait: Effect.Effect<void> = Effect.suspend(() => {
    const delay = Duration.toMillis(this.#delayMin) * 2 ** Math.min(this.#failures++, 20)
    const millis = Math.min(delay, Duration.toMillis(delayMax))
    return Effect.flatMap(Random.nextBetween(0.8, 1.2), (jitter) => Effect.sleep(Duration.millis(millis * jitter)))
  })

  #events(open: Open, bytes: Arr.NonEmptyReadonlyArray<Uint8Array>): Effect.Effect<ReadonlyArray<LogEvent>, Failure> {
    return Effect.gen({ self: this }, function* () {
      const frames = yield* Effect.try({ try: () => open.frames.take(bytes), catch: () => this.#unreadable() })
      const events: Array<LogEvent> = []
      for (const frame of frames) {
        if (!Predicate.isObject(frame)) continue
        const { data, name } = frame
        if (!Predicate.isObject(data)) continue
        if (name === "connected") this.#started(data["sequence"])
        if (name === "resync" || typeof data["event_id"] !== "string") continue
        const body = { ...data, id: data["event_id"], agent_id: data["actor"] }
        const event = eventOf(yield* Effect.mapError(decodeEvent(body), () => this.#unreadable()))
        // One event may be told in more than one frame.
        if (this.#position !== undefined && event.position <= this.#position) continue
        this.#position = event.position
        events.push(event)
      }
      return events
    })
  }

  #started(sequence: unknown): void {
    this.#failures = 0
    if (typeof sequence !== "number") return
    // Also a position that the log does not reach: what comes is new (see `resync`).
    this.#position = Math.min(this.#position ?? sequence, sequence)
    if (!this.#isStarted) this.#query.onStart?.(sequence)
    this.#isStarted = true
  }

  #unreadable(): Failure {
    return new StorageUnavailable({ operation: this.#call.operation, reason: "unexpected_answer", retryable: false })
  }
}

export const makeFollow =
  (client: Client, reconnectDelay: Duration.Input): OpenIntentShape["events"]["follow"] =>
  (query = {}) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const { scope } = yield* Effect.fromResult(readFollow(query))
        if (scope._tag === "Everything")
          return yield* invalid("intentId", "or portfolioId or agentId is required: the contract has no stream of all")
        const follower = yield* Effect.acquireRelease(
          Effect.sync(() => new RemoteFollower(client, scope, query, Duration.fromInputUnsafe(reconnectDelay))),
          (follower) => follower.close
        )
        const pull: Effect.Effect<Arr.NonEmptyReadonlyArray<LogEvent>, Failure | Cause.Done> = follower.pull
        return Stream.fromPull(Effect.succeed(pull))
      })
    )
