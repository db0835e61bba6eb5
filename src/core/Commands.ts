/**
 * How every change happens: load -> decide -> commit, commands of one intent in the order of their arrival, lost races
 * decided again (design.md 3). Rules are in the subjects' folders, and what a commit is in `Storage.ts`.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type { Aggregate, Decision, Guard, Write } from "./Aggregate.ts"
import { apply, freezeAggregate, netWrites } from "./Aggregate.ts"
import { counterDeltas } from "./counters.ts"
import type { Env } from "./Env.ts"
import type { EngineError } from "./Errors.ts"
import { Busy, StorageUnavailable } from "./Errors.ts"
import { EventCounts } from "./event/EventCounts.ts"
import { Hub } from "./event/Hub.ts"
import type { LogEvent, NewEvent } from "./event/LogEvent.ts"
import { makeForgetting } from "./forgetting.ts"
import { makeIds } from "./ids.ts"
import { IntentNotFound } from "./intent/IntentErrors.ts"
import { bytesAtMost } from "./json.ts"
import { type CommandKind, commandMetrics, lostRaces, type Outcome } from "./metrics.ts"
import { RunningFigures } from "./RunningFigure.ts"
import { told } from "./storageFaults.ts"
import type { Commit, StorageError, StorageShape } from "./Storage.ts"
import { StaleRevision, Storage } from "./Storage.ts"

/** A command on one intent, decided on its aggregate alone. Those that wait together are committed together. */
export interface Command<A, E> {
  readonly intentId: string
  readonly decide: (found: Aggregate | undefined, env: Env) => Result.Result<Decision<A>, E>
}

/** A command that reads more than one aggregate. Its decision names all its guards. */
export interface WideCommand<Facts, A, E> {
  /**
   * Whose turn it waits for: in this process it does not race the commands of this intent. Any other key serves as well
   * where commands race for another record: a portfolio, an account.
   */
  readonly intentId: string | undefined
  /** Reads revisions no later than the records that they guard. */
  readonly gather: (storage: StorageShape) => Effect.Effect<Facts, StorageError>
  readonly decide: (facts: Facts, env: Env) => Result.Result<Decision<A>, E>
  /** Runs inside the storage's write transaction at once: for what reads more than guards can hold, a path in a graph. */
  readonly exclusively?: true
}

export interface CommandsShape {
  readonly execute: <A, E>(command: Command<A, E>) => Effect.Effect<A, E | EngineError>
  readonly executeWide: <Facts, A, E>(command: WideCommand<Facts, A, E>) => Effect.Effect<A, E | EngineError>
  /** Adds an event that depends on nothing: no guard, no turn to wait for. */
  readonly append: (make: (env: Env) => NewEvent) => Effect.Effect<LogEvent, EngineError>
  /** Adds records and their events, which depend on nothing either. */
  readonly add: <A>(make: (env: Env) => Decision<A>) => Effect.Effect<A, EngineError>
  /** Fails if there is no such intent; without a read where it was asked for lately. */
  readonly mustExist: (intentId: string) => Effect.Effect<void, IntentNotFound | EngineError>
  /** An id that sorts after those before it, and that no other process gives. */
  readonly newId: (nowMillis: number) => string
}

/** Commands of one intent that are decided together at most. */
const batchMax = 64
/** Aggregates remembered between commands, and the bytes that the state of one of them may have. */
const rememberedMax = 256
const rememberedStateBytes = 64 * 1024
/** Intents known to exist, so that appends need not ask. They are never deleted; the first one known is forgotten. */
const knownMax = 10_000
/** How often a command is tried before its caller is told `Busy`. */
const attemptsMax = 16
/** Lost races after which a wide command runs inside the storage's write transaction (decision 18). */
const exclusiveAfter = 2
/** Lost races that are tried again at once; after them it waits a little, longer each time. */
const eagerRetries = 4

/** A command in the queue of its intent. Its answer is known once it is decided, and told once that is durable. */
interface Waiting {
  /** Of a wide command, which runs by itself; undefined for those that are decided together. */
  readonly alone: Effect.Effect<void> | undefined
  /** Decides; undefined if a rule refuses. */
  readonly decide: (found: Aggregate | undefined, env: Env) => Decision<unknown> | undefined
  /** Does the work of the lead first, then goes on with its own answer. */
  readonly lead: (work: Effect.Effect<void>) => void
  readonly answer: () => void
  readonly outcome: () => Outcome
  readonly failed: (cause: Cause.Cause<EngineError>) => void
}

const undecided = Exit.die(new Error("a command was answered before it was decided"))

/** For the metrics. */
const outcomeOf = (exit: Exit.Exit<unknown, unknown>): Outcome => {
  if (Exit.isSuccess(exit)) return "done"
  const reason = exit.cause.reasons.find(Cause.isFailReason)
  if (reason === undefined) return "defect"
  return reason.error instanceof Busy ? "busy" : reason.error instanceof StorageUnavailable ? "unavailable" : "refused"
}

/** The turn of one caller. A class, because there is one for every command. */
class Turn<A, E> implements Waiting {
  readonly #resume: (effect: Effect.Effect<A, E | EngineError>) => void
  readonly #decide: Command<A, E>["decide"] | undefined
  readonly alone: Effect.Effect<void> | undefined
  #exit: Exit.Exit<A, E | EngineError> = undecided

  constructor(
    resume: (effect: Effect.Effect<A, E | EngineError>) => void,
    decide: Command<A, E>["decide"] | undefined,
    alone?: Effect.Effect<A, E | EngineError>
  ) {
    this.#resume = resume
    this.#decide = decide
    this.alone = alone && Effect.map(Effect.exit(alone), (exit) => void (this.#exit = exit))
  }

  decide(found: Aggregate | undefined, env: Env): Decision<A> | undefined {
    if (this.#decide === undefined) return undefined
    try {
      const decided = this.#decide(found, env)
      if (decided._tag === "Success") {
        this.#exit = Exit.succeed(decided.success.value)
        return decided.success
      }
      this.#exit = Exit.fail(decided.failure)
    } catch (defect) {
      this.#exit = Exit.die(defect) // A bug in a rule is its command's alone.
    }
    return undefined
  }

  lead(work: Effect.Effect<void>): void {
    this.#resume(Effect.flatMap(work, () => this.#exit))
  }

  answer(): void {
    this.#resume(this.#exit)
  }

  outcome(): Outcome {
    return outcomeOf(this.#exit)
  }

  failed(cause: Cause.Cause<EngineError>): void {
    this.#exit = Exit.failCause(cause)
  }
}

/** Takes from the front what can be decided together: many narrow commands, or one wide one. */
const nextBatch = (queue: Array<Waiting>): ReadonlyArray<Waiting> => {
  const wide = queue.findIndex((waiting) => waiting.alone !== undefined)
  return queue.splice(0, wide === 0 ? 1 : Math.min(wide === -1 ? queue.length : wide, batchMax))
}

const committing = (
  writes: ReadonlyArray<Write>,
  events: ReadonlyArray<NewEvent>,
  guards: ReadonlyArray<Guard>
): Commit => ({ guards, writes, events, counters: counterDeltas(writes) })

const isOther = <E>(error: E): error is Exclude<E, StaleRevision> => !(error instanceof StaleRevision)

/** Before another try after so many lost races. */
const pauseAfter = (lost: number): Effect.Effect<void> =>
  Effect.andThen(
    Metric.update(lostRaces, 1),
    lost <= eagerRetries
      ? Effect.yieldNow
      : Effect.flatMap(Random.nextBetween(0.5, 1), (jitter) => Effect.sleep(jitter * 2 ** (lost - eagerRetries)))
  )

/** Tries again when a guard did not hold. `instead` may give another way after some lost races. */
const again = <A, E>(
  operation: string,
  attempt: Effect.Effect<A, E>,
  instead: Effect.Effect<A, E> = attempt
): Effect.Effect<A, Exclude<E, StaleRevision> | Busy> => {
  const tryIt = (lost: number): Effect.Effect<A, Exclude<E, StaleRevision> | Busy> =>
    Effect.catch(
      lost < exclusiveAfter ? attempt : instead,
      (error): Effect.Effect<A, Exclude<E, StaleRevision> | Busy> =>
        isOther(error)
          ? Effect.fail(error)
          : lost + 1 >= attemptsMax
            ? Effect.fail(new Busy({ operation }))
            : Effect.andThen(pauseAfter(lost + 1), tryIt(lost + 1))
    )
  return tryIt(0)
}

/** What a wide command did, told to the others after its commit. */
interface Done<A> {
  readonly value: A
  readonly events: ReadonlyArray<NewEvent>
  readonly positions: ReadonlyArray<number>
  readonly guards: ReadonlyArray<Guard>
}

export class Commands extends Context.Service<Commands, CommandsShape>()("openintent/core/Commands") {
  /** Needs `Storage`, `Hub`, `EventCounts` and `RunningFigures`. */
  static readonly layer = Layer.effect(
    Commands,
    Effect.gen(function* () {
      const storage = yield* Storage
      const hub = yield* Hub
      const counts = yield* EventCounts
      const figures = yield* RunningFigures
      const random = yield* Random.Random
      const newId = makeIds(() => (random.nextDoubleUnsafe() * 2 ** 32) >>> 0)
      const metrics = commandMetrics(yield* Effect.context())
      const queues = new Map<string, Array<Waiting>>()
      const remembered = new Map<string, Aggregate>()
      const known = new Set<string>()
      const forgetKnown = makeForgetting(known)

      const envAt = (now: Env["now"]): Env => ({ now, newId: () => newId(now.epochMilliseconds) })

      const remember = (aggregate: Aggregate) => {
        const key = aggregate.intent.id
        if (bytesAtMost(aggregate.intent.state) > rememberedStateBytes) return
        if (remembered.size >= rememberedMax && !remembered.has(key)) remembered.delete(remembered.keys().next().value!)
        remembered.set(key, freezeAggregate(aggregate))
      }

      /** After the commit, never before. */
      const publish = (events: ReadonlyArray<NewEvent>, positions: ReadonlyArray<number>) => {
        metrics.committed(events, positions)
        counts.added(events)
        figures.added(events)
        hub.publish(events, positions)
      }

      /** Decides the batch on what was loaded and commits; undefined where it writes nothing. */
      const attempt = (
        intentId: string,
        batch: ReadonlyArray<Waiting>,
        aggregate: Aggregate | undefined,
        now: Env["now"]
      ): Effect.Effect<void, StaleRevision | StorageError> | undefined => {
        const env = envAt(now)
        let writes: ReadonlyArray<Write> = []
        let events: ReadonlyArray<NewEvent> = []
        let after = aggregate
        for (const waiting of batch) {
          const decision = waiting.decide(after, env)
          if (decision === undefined || after === undefined) continue
          if (decision.events.length === 0 && decision.writes.length === 0) continue
          after = apply(after, decision.writes)
          writes = writes.length === 0 ? decision.writes : [...writes, ...decision.writes]
          events = events.length === 0 ? decision.events : [...events, ...decision.events]
        }
        if (aggregate === undefined || after === undefined || after === aggregate) return undefined
        const kept = after
        const guard: Guard = { table: "intents", key: intentId, expected: aggregate.revision, next: kept.revision }
        return Effect.map(storage.commit(committing(netWrites(writes), events, [guard])), (positions) => {
          remember(kept)
          publish(events, positions)
        })
      }

      const serveFresh = (intentId: string, batch: ReadonlyArray<Waiting>) =>
        Effect.flatMap(
          storage.load(intentId),
          ({ aggregate, now }) => attempt(intentId, batch, aggregate && freezeAggregate(aggregate), now) ?? Effect.void
        )

      /**
       * Decides on what is remembered, if it is. Its guard proves it current when it writes; refusals of a batch that
       * writes are proved with it, and where nothing is written all is decided again on a fresh load.
       */
      const serve = (
        intentId: string,
        batch: ReadonlyArray<Waiting>
      ): Effect.Effect<void, StaleRevision | StorageError> =>
        Effect.suspend(() => {
          const known = remembered.get(intentId)
          if (known === undefined) return serveFresh(intentId, batch)
          remembered.delete(intentId) // Until it is known how this ends.
          return Effect.flatMap(
            storage.now,
            (now) => attempt(intentId, batch, known, now) ?? serveFresh(intentId, batch)
          )
        })

      /** Hands the lead to the first of those who came meanwhile, and answers everybody but the leader. */
      const handOver = (intentId: string, batch: ReadonlyArray<Waiting>) => {
        const next = nextBatch(queues.get(intentId)!)
        if (next.length === 0) queues.delete(intentId)
        else next[0]!.lead(lead(intentId, next))
        for (let i = 1; i < batch.length; i++) batch[i]!.answer()
        for (const waiting of batch) {
          metrics.answered(waiting.alone === undefined ? "intent" : "wide", waiting.outcome())
        }
      }

      /** Serves the batch, again where its guard did not hold. Never fails: what goes wrong is the answer of the batch. */
      const lead = (intentId: string, batch: ReadonlyArray<Waiting>, lost = 0): Effect.Effect<void> =>
        Effect.matchCauseEffect(batch[0]?.alone ?? serve(intentId, batch), {
          onSuccess: () => {
            handOver(intentId, batch)
            return Effect.void
          },
          onFailure: (cause) => {
            const { reasons } = cause
            const isLost = reasons.some((reason) => Cause.isFailReason(reason) && !isOther(reason.error))
            if (isLost && lost + 1 < attemptsMax) {
              return Effect.andThen(pauseAfter(lost + 1), lead(intentId, batch, lost + 1))
            }
            const failed: Effect.Effect<never, EngineError> = isLost
              ? Effect.fail(new Busy({ operation: "commit" }))
              : told(Effect.catchTag(Effect.failCause(cause), "StaleRevision", Effect.die))
            return Effect.matchCause(failed, {
              onSuccess: () => undefined,
              onFailure: (told) => {
                for (const waiting of batch) waiting.failed(told)
                handOver(intentId, batch)
              }
            })
          }
        })

      /**
       * A turn in the queue of the intent. Once there, a command cannot be taken back, so its caller cannot be
       * interrupted until it is answered.
       */
      const inTurn = <A, E>(
        intentId: string,
        decide: Command<A, E>["decide"] | undefined,
        alone?: Effect.Effect<A, E | EngineError>
      ): Effect.Effect<A, E | EngineError> =>
        Effect.uninterruptible(
          Effect.callback<A, E | EngineError>((resume) => {
            const turn = new Turn(resume, decide, alone)
            const queue = queues.get(intentId)
            if (queue !== undefined) {
              queue.push(turn)
              return
            }
            queues.set(intentId, [])
            turn.lead(lead(intentId, [turn]))
          })
        )

      /** Of those that wait for no turn, which counts the others. */
      const counted = <A, E>(kind: CommandKind, command: Effect.Effect<A, E>) =>
        Effect.onExit(command, (exit) => Effect.sync(() => metrics.answered(kind, outcomeOf(exit))))

      /** One try of a wide command. A refusal is a success here, so that it is no race to be run again. */
      const attemptWide = <Facts, A, E>(command: WideCommand<Facts, A, E>, on: StorageShape) =>
        Effect.flatMap(command.gather(on), (facts) =>
          Effect.flatMap(
            on.now, // Not before what was read, whoever wrote it.
            (now): Effect.Effect<Result.Result<Done<A>, E>, StaleRevision | StorageError> => {
              const decided = command.decide(facts, envAt(now))
              if (decided._tag === "Failure") return Effect.succeed(Result.fail(decided.failure))
              const { events, guards = [], value, writes } = decided.success
              const done = (positions: ReadonlyArray<number>) => Result.succeed({ value, events, positions, guards })
              return writes.length === 0 && events.length === 0
                ? Effect.succeed(done([]))
                : Effect.map(on.commit(committing(writes, events, guards)), done)
            }
          )
        )

      const runWide = <Facts, A, E>(command: WideCommand<Facts, A, E>): Effect.Effect<A, E | EngineError> => {
        const exclusive = storage.exclusively((inside) => attemptWide(command, inside))
        return Effect.flatMap(
          told(again("commit", command.exclusively === true ? exclusive : attemptWide(command, storage), exclusive)),
          (result) => {
            if (result._tag === "Failure") return Effect.fail(result.failure)
            const { events, guards, positions, value } = result.success
            for (const guard of guards) if (guard.next > guard.expected) remembered.delete(guard.key)
            publish(events, positions)
            return Effect.succeed(value)
          }
        )
      }

      const adding = <A>(
        make: (env: Env) => Decision<A>
      ): Effect.Effect<{ readonly value: A; readonly positions: ReadonlyArray<number> }, EngineError> =>
        Effect.uninterruptible(
          Effect.flatMap(storage.now, (now) => {
            const { events, value, writes } = make(envAt(now))
            const committed = told(again("append", storage.commit(committing(writes, events, []))))
            return Effect.map(counted("append", committed), (positions) => {
              publish(events, positions)
              return { value, positions }
            })
          })
        )

      return Commands.of({
        execute: ({ decide, intentId }) => inTurn(intentId, decide),
        executeWide: (command) =>
          command.intentId === undefined
            ? Effect.uninterruptible(counted("wide", runWide(command)))
            : inTurn(command.intentId, undefined, runWide(command)),
        newId,
        append: (make) =>
          Effect.map(
            adding((env) => {
              const event = make(env)
              return { value: event, writes: [], events: [event] }
            }),
            ({ positions: [position = 0], value }) => ({ ...value, position })
          ),
        add: (make) => Effect.map(adding(make), ({ value }) => value),
        mustExist: (intentId) =>
          known.has(intentId)
            ? Effect.void
            : Effect.flatMap(told(storage.revisions("intents", [intentId])), ([revision]) => {
                if (revision === 0) return Effect.fail(new IntentNotFound({ intentId }))
                if (known.size >= knownMax) forgetKnown()
                known.add(intentId)
                return Effect.void
              })
      })
    })
  )
}
