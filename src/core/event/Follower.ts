/** One stream of events: reads the log until it has caught up with the hub, then takes what the hub gives. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { EngineError } from "../Errors.ts"
import type { StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import type { HubReceiver, HubShape } from "./Hub.ts"
import type { LogEvent } from "./LogEvent.ts"
import { everIn, type LogRange, membersAt, readLog } from "./memberHistory.ts"
import { type FollowScope, keyOf, passes } from "./membership.ts"

/** Events that wait for a consumer; beyond them they are read from the log again. */
const bufferMax = 1000

/** Of one reading of the log: it ends where the hub was when it began. */
interface Round {
  readonly upTo: number
  readonly range: LogRange
}

type Events = Arr.NonEmptyReadonlyArray<LogEvent>

export class Follower implements HubReceiver {
  readonly #hub: HubShape
  readonly #storage: StorageShape
  readonly #scope: FollowScope
  readonly #endsBehind: number | undefined
  /** What was given, or need not be, goes up to here. */
  #position: number
  /** Of a group as of that position; undefined where they are not known, and while the hub keeps them. */
  #members: Set<string> | undefined
  #round: Round | undefined
  #hold: { readonly release: () => void } | undefined
  #isJoined = false
  /** The hub's position at the time of joining. */
  #joinedAt = 0
  #buffer: Array<LogEvent> = []
  #resume: ((events: Effect.Effect<Events, EngineError>) => void) | undefined
  #end: Effect.Effect<never, EngineError | Cause.Done> | undefined

  constructor(
    hub: HubShape,
    storage: StorageShape,
    scope: FollowScope,
    position: number,
    endsBehind: number | undefined
  ) {
    this.#hub = hub
    this.#storage = storage
    this.#scope = scope
    this.#position = position
    this.#endsBehind = endsBehind
  }

  /** The next events there are; waits for them. */
  readonly pull: Effect.Effect<Events, EngineError | Cause.Done> = Effect.suspend(() => {
    if (this.#end !== undefined) return this.#end
    if (this.#isJoined) return this.#taken
    return Effect.flatMap(this.#catchUp(), (events) =>
      Arr.isReadonlyArrayNonEmpty(events) ? Effect.succeed(events) : this.pull
    )
  })

  /** Nothing is given any more, and nothing kept. */
  leave(): void {
    this.#hold?.release()
    this.#hold = undefined
    if (this.#isJoined) this.#hub.leave(this.#scope, this)
    this.#isJoined = false
    this.#buffer = []
  }

  take(events: ReadonlyArray<LogEvent>): void {
    if (!this.#isJoined) return
    // They were gathered before, and so were read already.
    const fresh =
      events[0] !== undefined && events[0].position > this.#joinedAt
        ? events
        : events.filter(({ position }) => position > this.#joinedAt)
    if (!Arr.isReadonlyArrayNonEmpty(fresh)) return
    if (this.#resume !== undefined) {
      const resume = this.#resume
      this.#resume = undefined
      this.#position = Arr.lastNonEmpty(fresh).position
      resume(Effect.succeed(fresh))
    } else if (this.#buffer.length + fresh.length <= (this.#endsBehind ?? bufferMax)) {
      for (const event of fresh) this.#buffer.push(event)
    } else {
      this.leave() // What it has not taken is read from the log, if it goes on.
      if (this.#endsBehind !== undefined) this.#end = Cause.done()
    }
  }

  fail(error: EngineError): void {
    this.#end = Effect.fail(error)
    this.leave()
    this.#resume?.(Effect.fail(error))
    this.#resume = undefined
  }

  readonly #taken: Effect.Effect<Events, EngineError> = Effect.callback((resume) => {
    const waiting = this.#buffer
    if (Arr.isArrayNonEmpty(waiting)) {
      this.#buffer = []
      this.#position = Arr.lastNonEmpty(waiting).position
      return resume(Effect.succeed(waiting))
    }
    this.#resume = resume
    return Effect.sync(() => {
      this.#resume = undefined
    })
  })

  /** A step on the way to the hub: a page of the log, or the recent events with which it joins. */
  #catchUp(): Effect.Effect<ReadonlyArray<LogEvent>, EngineError> {
    const round = this.#round
    if (round !== undefined && this.#position < round.upTo) return this.#read(round)
    const missed = this.#isReady() ? this.#hub.since(this.#position) : undefined
    if (missed === undefined) return Effect.as(this.#begin(), [])
    const shown = missed.filter((event) => this.#shows(event))
    this.#join()
    return Effect.succeed(shown)
  }

  /** Whether all is known that joining takes. */
  #isReady(): boolean {
    const isKnown = this.#members !== undefined || (this.#scope._tag !== "Agent" && this.#scope._tag !== "Portfolio")
    return isKnown || (this.#position === this.#hub.position() && this.#hub.membersOf(keyOf(this.#scope)) !== undefined)
  }

  #join(): void {
    this.#position = this.#joinedAt = this.#hub.position()
    this.#hub.join(this.#scope, this.#members ?? [], this)
    this.#isJoined = true
    this.#round = this.#members = undefined
    this.#hold?.release()
    this.#hold = undefined
  }

  #shows(event: LogEvent): boolean {
    const scope = this.#scope
    switch (scope._tag) {
      case "Everything":
        return true
      case "Intent":
        return event.intentId === scope.id
      default:
        return this.#members !== undefined && passes(scope, this.#members, event)
    }
  }

  /** Fixes how far to read, before it looks who may have been a member until then. */
  #begin(): Effect.Effect<void, EngineError> {
    return Effect.gen({ self: this }, function* () {
      this.#hold ??= this.#hub.hold()
      const [from, upTo, scope] = [this.#position, this.#hub.position(), this.#scope]
      if (scope._tag === "Agent" || scope._tag === "Portfolio") {
        const ever = yield* told(everIn(this.#storage, scope))
        this.#members ??= yield* told(membersAt(this.#storage, scope, ever, from))
        this.#round = { upTo, range: { from, upTo, intentIds: [...ever.keys()] } }
      } else {
        this.#round = { upTo, range: { from, upTo, intentIds: scope._tag === "Intent" ? [scope.id] : undefined } }
      }
    })
  }

  #read({ range, upTo }: Round): Effect.Effect<ReadonlyArray<LogEvent>, EngineError> {
    return Effect.map(told(readLog(this.#storage, range, this.#position)), ({ events, through }) => {
      this.#position = Math.min(through, upTo)
      return events.filter((event) => this.#shows(event))
    })
  }
}
