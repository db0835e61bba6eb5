/**
 * Commands of keyed calls: what they answer is stored as a receipt in the commit of what they do, and is the answer of
 * every call that comes with the same key. A twin that is quicker takes the guard of the receipt, so the slower one is
 * decided again and finds it.
 */
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Aggregate, Decision, Guard, Write } from "../Aggregate.ts"
import { moveOn, unchanged } from "../Aggregate.ts"
import type { CommandsShape, WideCommand } from "../Commands.ts"
import type { Env } from "../Env.ts"
import type { EngineError } from "../Errors.ts"
import { IdempotencyKeyReused } from "../Errors.ts"
import { kindOf } from "../event/eventTypes.ts"
import type { LogEvent, NewEvent } from "../event/LogEvent.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { decode, encode } from "./codec.ts"
import { CurrentCall, type KeyedCall, type Mark } from "./KeyedCall.ts"
import type { Receipt } from "./tables.ts"

interface Found {
  readonly revision: number
  readonly receipt: Receipt | undefined
}

const nothing: Found = { revision: 0, receipt: undefined }

/** The revision before the record that it guards. Most keys are new. */
const readReceipt = (storage: StorageShape, key: string): Effect.Effect<Found, StorageError> =>
  Effect.flatMap(storage.revisions("receipts", [key]), ([revision = 0]) =>
    revision === 0
      ? Effect.succeed(nothing)
      : Effect.map(storage.get("receipts", [key]), ([receipt]): Found => ({ revision, receipt }))
  )

/** The decision, and the receipt with it: also where nothing changes, which is an answer to be kept too. */
const withReceipt = <A>(
  decision: Decision<A>,
  { fingerprint, receiptKey: key }: Mark,
  { receipt: before, revision }: Found,
  expiresAt: DateTime.Utc
): Decision<A> => {
  const record: Receipt = { key, fingerprint, answer: encode(decision.value), expiresAt }
  const put: Write = { _tag: "Put", table: "receipts", record, before }
  const guard: Guard = { table: "receipts", key, expected: revision, next: revision + 1 }
  return { ...decision, writes: [...decision.writes, put], guards: [...(decision.guards ?? []), guard] }
}

/** A narrow decision names no guard of its own intent. */
const guarded = <A>(decision: Decision<A>, found: Aggregate | undefined): Decision<A> =>
  found === undefined || (decision.writes.length === 0 && decision.events.length === 0)
    ? decision
    : { ...decision, guards: [...(decision.guards ?? []), moveOn(found)] }

/** Where an appended event is: its position is known only after the commit, and this before. */
interface Place {
  readonly id: string
  readonly intentId: string
  readonly type: string
  /** A position that the log had reached before. */
  readonly after: number
}

const pageSize = 100

const readEvent = (storage: StorageShape, place: Place): Effect.Effect<LogEvent, StorageError> =>
  Effect.flatMap(
    storage.page({
      table: "events",
      index: "byIntent",
      keys: [[place.intentId, kindOf(place.type)]],
      direction: "asc",
      after: place.after,
      limit: pageSize
    }),
    (rows) => {
      const found = rows.find(({ record }) => record.id === place.id)
      if (found !== undefined) return Effect.succeed(found.record)
      const last = rows.at(-1)
      return last === undefined
        ? Effect.die(new Error(`the log has lost event ${place.id}`))
        : readEvent(storage, { ...place, after: last.position })
    }
  )

/** The same commands, which take effect once where a call has a key; its receipt is `kept` so long. */
export const withReceipts = (
  commands: CommandsShape,
  storage: StorageShape,
  kept: Duration.Duration
): CommandsShape => {
  const once = <Facts, A, E>(
    call: KeyedCall,
    { decide, gather, ...command }: WideCommand<Facts, A, E>
  ): Effect.Effect<A, E | EngineError> =>
    Effect.flatMap(call.mark, (mark) => {
      if (call.outcome !== "open") return Effect.die(new Error("a keyed call has one command that takes effect"))
      let outcome: KeyedCall["outcome"] = "done"
      const decideOnce = (
        { facts, found }: { readonly facts: Facts; readonly found: Found },
        env: Env
      ): Result.Result<Decision<A>, E | IdempotencyKeyReused> => {
        const { receipt } = found
        if (receipt !== undefined && DateTime.isLessThan(env.now, receipt.expiresAt)) {
          if (receipt.fingerprint !== mark.fingerprint) return Result.fail(new IdempotencyKeyReused({ key: call.key }))
          outcome = "replayed"
          // The same call, with what it was called with, has stored this: so it has the type of its answer.
          return Result.succeed(unchanged(decode(receipt.answer) as A))
        }
        const expiresAt = DateTime.addDuration(env.now, kept)
        return Result.map(decide(facts, env), (decision) => withReceipt(decision, mark, found, expiresAt))
      }
      const executed = commands.executeWide({
        ...command,
        // The receipt last: who is refused because of what a twin did sees the twin's receipt too, and is not refused.
        gather: (on) =>
          Effect.zipWith(gather(on), readReceipt(on, mark.receiptKey), (facts, found) => ({ facts, found })),
        decide: decideOnce
      })
      return Effect.tap(executed, () => Effect.sync(() => void (call.outcome = outcome)))
    })

  const appendOnce = (call: KeyedCall, make: (env: Env) => NewEvent): Effect.Effect<LogEvent, EngineError> =>
    Effect.flatMap(
      once(call, {
        intentId: undefined,
        gather: (on) => on.lastPosition,
        decide: (after, env): Result.Result<Decision<Place>> => {
          const event = make(env)
          const { id, intentId, type } = event
          return Result.succeed({ value: { id, intentId, type, after }, writes: [], events: [event] })
        }
      }),
      (place) => told(readEvent(storage, place))
    )

  /** The keyed way if the call under way has a key. */
  const choose = <A, E>(
    plain: () => Effect.Effect<A, E>,
    keyed: (call: KeyedCall) => Effect.Effect<A, E>
  ): Effect.Effect<A, E> =>
    Effect.withFiber((fiber) => {
      const call = fiber.getRef(CurrentCall)
      return call === undefined ? plain() : keyed(call)
    })

  return {
    ...commands,
    execute: (command) =>
      choose(
        () => commands.execute(command),
        (call) =>
          once(call, {
            intentId: command.intentId,
            gather: (on) => on.load(command.intentId),
            decide: ({ aggregate }, env) =>
              Result.map(command.decide(aggregate, env), (decision) => guarded(decision, aggregate))
          })
      ),
    executeWide: (command) =>
      choose(
        () => commands.executeWide(command),
        (call) => once(call, command)
      ),
    append: (make) =>
      choose(
        () => commands.append(make),
        (call) => appendOnce(call, make)
      ),
    add: (make) =>
      choose(
        () => commands.add(make),
        (call) =>
          once(call, {
            intentId: undefined,
            gather: () => Effect.void,
            decide: (_, env) => Result.succeed(make(env))
          })
      )
  }
}
