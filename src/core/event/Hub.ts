/**
 * From commits to followers: events are given out in the order of the log, each once, whatever the order in which their
 * commits tell of them. What was not told here (another process wrote it) is read from the log.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as RcRef from "effect/RcRef"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { EngineError } from "../Errors.ts"
import { deepFreeze } from "../json.ts"
import { Storage } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { Channels, type Receiver } from "./Channels.ts"
import type { LogEvent, NewEvent } from "./LogEvent.ts"
import type { FollowScope } from "./membership.ts"

/** A receiver that can also be told that there will be no more. */
export interface HubReceiver extends Receiver {
  readonly fail: (error: EngineError) => void
}

/** Sees every event as the hub comes to it, before anybody is given it. It keeps nothing of it, and costs little. */
export interface HubObserver {
  readonly see: (event: NewEvent, position: number) => void
  readonly fail: (error: EngineError) => void
}

export interface HubShape {
  /** Tells of a commit, after it and never before. Costs next to nothing while nobody follows. */
  readonly publish: (events: ReadonlyArray<NewEvent>, positions: ReadonlyArray<number>) => void
  /** Keeps the hub at work as long as the scope is open. All that follows is of use only within it. */
  readonly listen: Effect.Effect<void, EngineError, Scope.Scope>
  /** All events up to here were given out. */
  readonly position: () => number
  /** Reads the log to its end. */
  readonly readOn: Effect.Effect<void, EngineError>
  /** From now on recent events are kept, so that whoever has read the log up to some position can join without a gap. */
  readonly hold: () => { readonly release: () => void }
  /** The events after a position up to the hub's own; undefined if they are not kept any more. */
  readonly since: (position: number) => ReadonlyArray<LogEvent> | undefined
  /** The members, as of the hub's position, of a group that somebody follows. */
  readonly membersOf: (key: string) => ReadonlySet<string> | undefined
  /** Gives what comes after the hub's position. `members` are those of a group, as of it. */
  readonly join: (scope: FollowScope, members: Iterable<string>, receiver: HubReceiver) => void
  readonly leave: (scope: FollowScope, receiver: HubReceiver) => void
  /** Shows what comes after the hub's position, to one at a time; undefined ends it. */
  readonly observe: (observer: HubObserver | undefined) => void
}

/** Events that are kept while somebody is about to join. */
const recentMax = 4096
/** Events read from the log at a time. */
const pageSize = 500

/** Before the position is known: no event comes right after it, so all of them wait. */
const unknown = -1

export class Hub extends Context.Service<Hub, HubShape>()("openintent/core/event/Hub") {
  /** Needs `Storage`, whose foreign changes are asked for only while somebody listens. */
  static readonly layer = Layer.effect(
    Hub,
    Effect.gen(function* () {
      const storage = yield* Storage
      const channels = new Channels<HubReceiver>()
      /** Told of, and waiting for those before them. */
      const pending = new Map<number, NewEvent>()
      /** Open while there is something to be read: a gap that did not close by itself, or foreign commits. */
      const wanted = yield* Latch.make()
      let hasForeign = false
      let isOpen = false
      let upTo = unknown
      let holders = 0
      let recent: Array<LogEvent> = []
      /** `recent` holds all after this. */
      let recentFrom = 0
      let observer: HubObserver | undefined

      const flush = () => channels.flush()

      const keep = (event: LogEvent) => {
        if (recent.push(event) <= recentMax) return
        const dropped = recent.splice(0, recentMax / 2)
        recentFrom = dropped.at(-1)?.position ?? recentFrom
      }

      const deliver = (event: NewEvent, position: number) => {
        upTo = position
        observer?.see(event, position)
        let made: LogEvent | undefined
        // Shared by all who are given it.
        const make = () =>
          (made ??= Object.freeze({
            ...event,
            payload: deepFreeze(event.payload),
            extra: deepFreeze(event.extra),
            position
          }))
        if (holders > 0) keep(make())
        // After all that this turn commits, so that one write to a socket carries it all.
        if (channels.dispatch(event, make)) queueMicrotask(flush)
      }

      /** Those that have waited and are next. */
      const deliverPending = () => {
        for (let next = pending.get(upTo + 1); next !== undefined; next = pending.get(upTo + 1)) {
          pending.delete(upTo + 1)
          deliver(next, upTo + 1)
        }
      }

      const publish: HubShape["publish"] = (events, positions) => {
        if (!isOpen) return
        for (let i = 0; i < events.length; i++) {
          const [event, position] = [events[i], positions[i]]
          if (event === undefined || position === undefined || position <= upTo) continue
          if (position === upTo + 1 && upTo !== unknown) deliver(event, position)
          else pending.set(position, event)
        }
        if (pending.size === 0) return
        deliverPending()
        if (pending.size > 0) wanted.openUnsafe()
      }

      /** What is in the log is final: whatever lies between two of its events was never used. */
      const readOn = Effect.gen(function* () {
        for (;;) {
          const rows = yield* told(
            storage.page({ table: "events", index: "all", keys: [[]], direction: "asc", after: upTo, limit: pageSize })
          )
          for (const { position, record } of rows) if (position > upTo) deliver(record, position)
          for (const position of pending.keys()) if (position <= upTo) pending.delete(position)
          deliverPending()
          if (rows.length < pageSize) return
          flush() // Followers take it page by page.
          yield* Effect.yieldNow
        }
      })

      const tellAll = (error: EngineError) => {
        observer?.fail(error)
        for (const receiver of channels.receivers()) receiver.fail(error)
      }

      const reading = Effect.gen(function* () {
        yield* wanted.await
        wanted.closeUnsafe()
        // Commits of one turn go on in any order, so most gaps close without us.
        yield* Effect.yieldNow
        if (pending.size > 0 || hasForeign) {
          hasForeign = false
          yield* Effect.catch(readOn, (error) => Effect.sync(() => tellAll(error)))
        }
      })

      const open = Effect.gen(function* () {
        yield* Effect.acquireRelease(
          Effect.sync(() => {
            isOpen = true
          }),
          () =>
            Effect.sync(() => {
              isOpen = false
              upTo = unknown
              pending.clear()
            })
        )
        const last = yield* told(storage.lastPosition)
        upTo = last
        for (const position of pending.keys()) if (position <= last) pending.delete(position)
        deliverPending()
        yield* Effect.forkScoped(Effect.forever(reading))
        yield* Effect.forkScoped(
          Stream.runForEach(storage.changedElsewhere, () =>
            Effect.sync(() => {
              hasForeign = true
              wanted.openUnsafe()
            })
          )
        )
      })
      const opened = yield* RcRef.make({ acquire: open })

      return Hub.of({
        publish,
        listen: RcRef.get(opened),
        position: () => upTo,
        readOn,
        hold: () => {
          if (holders++ === 0) recentFrom = upTo
          let isHeld = true
          return {
            release: () => {
              if (!isHeld) return
              isHeld = false
              if (--holders === 0) recent = []
            }
          }
        },
        since: (position) => {
          if (holders === 0 || position < recentFrom) return position === upTo ? [] : undefined
          let first = recent.length
          while (first > 0 && recent[first - 1]!.position > position) first--
          return recent.slice(first)
        },
        membersOf: (key) => channels.membersOf(key),
        join: (scope, members, receiver) => channels.join(scope, members, receiver),
        leave: (scope, receiver) => channels.leave(scope, receiver),
        observe: (next) => void (observer = next)
      })
    })
  )
}
