/** Following events in a terminal. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { styleText } from "node:util"
import type { FollowEvents, LogEvent } from "../../core/event/LogEvent.ts"
import { OpenIntent, type OpenIntentShape } from "../../core/OpenIntent.ts"
import { eventBody } from "../../http/bodies.ts"
import { notAnswered, type Target } from "./engine.ts"
import { cannotLook, CommandFailed } from "./failure.ts"
import { oneLine, printLine, writeLine } from "./output.ts"

/** Whose events; several intents only where all events can be followed, and those of others left out. */
export type Scope =
  | { readonly _tag: "Everything" }
  | { readonly _tag: "Intents"; readonly ids: readonly [string, ...ReadonlyArray<string>] }
  | { readonly _tag: "Agent"; readonly id: string }
  | { readonly _tag: "Portfolio"; readonly id: string }

const intentsMax = 1000

/** What is given must be one kind of scope, and one that the target has a stream of. */
export const scopeOf = (
  {
    agent,
    intents: [first, ...others],
    portfolio
  }: {
    readonly intents: ReadonlyArray<string>
    readonly agent: Option.Option<string>
    readonly portfolio: Option.Option<string>
  },
  target: Target
): Effect.Effect<Scope, CommandFailed> => {
  const scopes: ReadonlyArray<Scope> = [
    ...(first === undefined ? [] : [{ _tag: "Intents", ids: [first, ...others] } as const]),
    ...Option.match(agent, { onNone: () => [], onSome: (id) => [{ _tag: "Agent", id } as const] }),
    ...Option.match(portfolio, { onNone: () => [], onSome: (id) => [{ _tag: "Portfolio", id } as const] })
  ]
  const [scope = { _tag: "Everything" } as const, another] = scopes
  if (another !== undefined) return Effect.fail(cannotLook("give intents, or --agent, or --portfolio"))
  if (others.length >= intentsMax) return Effect.fail(cannotLook(`at most ${intentsMax} intents`))
  if (target._tag === "Server") {
    if (scope._tag === "Everything")
      return Effect.fail(
        cannotLook("a server has no stream of all events: give an intent, --agent or --portfolio, or --database-url")
      )
    if (others.length > 0)
      return Effect.fail(cannotLook("a server has a stream of one intent: give one, or --database-url"))
  }
  return Effect.succeed(scope)
}

/** How much of a payload is shown. */
const payloadMax = 160

/** One event in one line. A payload is what somebody wrote: nothing of it reaches the terminal as an order. */
export const eventLine = (
  event: LogEvent,
  style: (format: "dim" | "cyan" | "bold", text: string) => string
): string => {
  const payload = JSON.stringify(event.payload)
  return [
    style("bold", String(event.position).padStart(7)),
    style("dim", new Date(event.createdAt.epochMilliseconds).toISOString()),
    event.intentId,
    style("cyan", oneLine(event.type, 64).padEnd(22)),
    oneLine(event.actor, 64).padEnd(12),
    payload === "{}" ? "" : style("dim", oneLine(payload, payloadMax))
  ]
    .join("  ")
    .trimEnd()
}

const followOf = (scope: Scope): FollowEvents => {
  switch (scope._tag) {
    case "Everything":
      return {}
    case "Intents":
      return scope.ids.length === 1 ? { intentId: scope.ids[0] } : {}
    case "Agent":
      return { agentId: scope.id }
    case "Portfolio":
      return { portfolioId: scope.id }
  }
}

/** The log of one intent as it is, page by page. */
const logOf = ({ events }: OpenIntentShape, intentId: string, afterPosition: number) =>
  Stream.paginate(undefined as string | undefined, (after) =>
    Effect.map(
      events.list(intentId, { order: "asc", visibility: "all", limit: 1000, afterPosition, after }),
      (page) => [page.items, Option.fromUndefinedOr(page.next)] as const
    )
  )

/** After this silence nothing more is there, of a group: the stream of one does not tell where the log ends. */
const silenceMs = 2000

/** What a stream begins with, up to where the log ended then. */
const untilCaughtUp = (follow: OpenIntentShape["events"]["follow"], query: FollowEvents) => {
  let last: number | undefined
  let heardAt = 0
  const heard = Effect.map(Clock.currentTimeMillis, (now) => {
    heardAt = now
  })
  const isOver = Effect.map(Clock.currentTimeMillis, (now) =>
    last === undefined ? (heardAt = now) < 0 : last <= (query.after ?? 0) || now - heardAt >= silenceMs
  )
  const over = Effect.repeat(Effect.delay(isOver, "50 millis"), { until: (is) => is })
  return follow({ ...query, onStart: (position) => void (last = position) }).pipe(
    Stream.tap(() => heard),
    Stream.takeWhile(({ position }) => last === undefined || position <= last),
    Stream.takeUntil(({ position }) => position === last),
    Stream.interruptWhen(over)
  )
}

export interface Tailing {
  readonly scope: Scope
  readonly after: number | undefined
  readonly once: boolean
}

export interface Printing extends Tailing {
  readonly target: Target
  /** None: all. */
  readonly types: ReadonlyArray<string>
  readonly json: boolean
}

/** Events of the scope, of all types; with several intents also those of others. */
export const eventsOf = (engine: OpenIntentShape, { after, once, scope }: Tailing) => {
  const query = { ...followOf(scope), ...(after === undefined ? {} : { after }) }
  if (!once) return engine.events.follow(query)
  return query.intentId === undefined
    ? untilCaughtUp(engine.events.follow, { after: 0, ...query })
    : logOf(engine, query.intentId, after ?? 0)
}

/** Prints events until it is ended, or with `once` until it has printed what there is. */
export const tail = Effect.fnUntraced(
  function* (tailing: Printing) {
    const { json, scope, types } = tailing
    const engine = yield* OpenIntent
    // Whoever waits for a first event should not wait for a server that is not there, or for a wrong id.
    if (scope._tag === "Intents") yield* Effect.forEach(scope.ids, engine.intents.get, { discard: true })
    else yield* engine.health.check
    const shown: ReadonlySet<string> | undefined = scope._tag === "Intents" ? new Set(scope.ids) : undefined
    const isWanted = (event: LogEvent) =>
      (shown === undefined || shown.has(event.intentId)) && (types.length === 0 || types.includes(event.type))
    const style = (format: "dim" | "cyan" | "bold", text: string) => styleText(format, text, { stream: process.stdout })
    yield* eventsOf(engine, tailing).pipe(
      Stream.filter(isWanted),
      Stream.runForEach((event) => (json ? printLine(eventBody(event, 2)) : writeLine(eventLine(event, style))))
    )
  },
  (effect, { target }) =>
    Effect.mapError(effect, (error) => {
      if (error._tag === "CommandFailed") return error
      return error._tag === "IntentNotFound" || error._tag === "PortfolioNotFound"
        ? cannotLook(error.message)
        : notAnswered(error, target)
    })
)
