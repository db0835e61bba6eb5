/** The promise facade: the nouns of `OpenIntent` with promises for effects and async iterables for streams. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import { CurrentAgent } from "../core/CurrentAgent.ts"
import { StorageUnavailable } from "../core/Errors.ts"
import type { AcquireLease, Lease, WithLeaseOptions } from "../core/lease/Lease.ts"
import type { Leases, OpenIntentShape, Retries } from "../core/OpenIntent.ts"
import { OpenIntent } from "../core/OpenIntent.ts"
import { CurrentKey } from "../core/receipt/KeyedCall.ts"
import type { RunOptions } from "../core/retry/Retry.ts"

/** One member with promises: an effect becomes a call that answers a promise, a stream an async iterable. */
export type Promised<Member> =
  Member extends Effect.Effect<infer A, infer _E>
    ? () => Promise<A>
    : Member extends (...args: infer Args) => Effect.Effect<infer A, infer _E>
      ? (...args: Args) => Promise<A>
      : Member extends (...args: infer Args) => Stream.Stream<infer A, infer _E>
        ? (...args: Args) => AsyncIterable<A>
        : never

/** A noun with promises. */
export type PromisedNoun<Noun> = { readonly [Name in keyof Noun]: Promised<Noun[Name]> }

/**
 * The record of a lease that `await using` releases at the end of its block (Node 24; or TypeScript's down-levelling).
 * An error of that release is ignored, since the lease ends by itself; `leases.release` tells it.
 */
export interface HeldLease extends Lease, AsyncDisposable {}

/** `Leases` with promises, and leases that release themselves. */
export interface PromisedLeases extends Omit<PromisedNoun<Leases>, "acquire" | "withLease"> {
  readonly acquire: (intentId: string, input: AcquireLease) => Promise<HeldLease>
  /**
   * Holds the scope while `use` runs: acquires it, renews it in the background, releases it at the end, whatever the end.
   * If it is lost, `signal` aborts and the call rejects with `LeaseExpired` at once; what `use` still does is its own.
   */
  readonly withLease: <A>(
    intentId: string,
    scope: string,
    options: WithLeaseOptions,
    use: (lease: Lease, signal: AbortSignal) => A | PromiseLike<A>
  ) => Promise<A>
}

/** `Retries` with promises. */
export interface PromisedRetries extends Omit<PromisedNoun<Retries>, "run"> {
  /**
   * Does the work, and again by the policy of the intent when it rejects or throws; rejects with the error of the last
   * attempt, as it is. If the retry was handed out to another meanwhile, or the engine closes, `signal` aborts.
   */
  readonly run: <A>(
    intentId: string,
    work: (attempt: number, signal: AbortSignal) => A | PromiseLike<A>,
    options?: RunOptions
  ) => Promise<A>
}

type Nouns = Omit<
  { readonly [Noun in keyof OpenIntentShape]: PromisedNoun<OpenIntentShape[Noun]> },
  "leases" | "retries"
>

/**
 * The engine, embedded or remote, with promises. A promise rejects with the error itself, an instance of the classes
 * that `OpenIntent` names for the call. An `events.follow` without `after` starts with the first `next()`.
 */
export interface Engine extends Nouns, AsyncDisposable {
  readonly leases: PromisedLeases
  readonly retries: PromisedRetries
  /** The same engine, acting as this agent: its signature, its leases. */
  readonly as: (agentId: string) => Engine
  /**
   * The same engine, whose calls take effect once per key: made again with this key, by the same agent, they change
   * nothing and answer what they did the first time. See `OpenIntent.once` for which calls, and for how long.
   */
  readonly once: (key: string) => Engine
  /**
   * Ends iterations, `withLease` and `retries.run`, lets the calls under way finish, and closes the storage. Later
   * calls reject with `StorageUnavailable` (`closed`). Closing twice, or a view made by `as` or `once`, closes this one engine.
   */
  readonly close: () => Promise<void>
}

const closed = () => new StorageUnavailable({ operation: "call", reason: "closed", retryable: false })

type Answer = Effect.Effect<unknown, unknown> | Stream.Stream<unknown, unknown>
type Member = Effect.Effect<unknown, unknown> | ((...args: ReadonlyArray<never>) => Answer)

interface ToPromised extends Struct.Lambda {
  (member: Member): unknown
  readonly "~lambda.out": Promised<this["~lambda.in"]>
}

/** How long `close` waits for the calls under way, which on a remote engine may never end. */
const closingMax = "5 seconds"

/** Builds the layer and gives its engine, acting as `agent` (default: the default of `CurrentAgent`), with promises. */
export const promising = async <E>(layer: Layer.Layer<OpenIntent, E>, agent?: string): Promise<Engine> => {
  const scope = Scope.makeUnsafe()
  const context = await Effect.runPromise(
    Effect.onExit(Layer.buildWithScope(layer, scope), (exit) =>
      Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit)
    )
  )
  const engine = Context.get(context, OpenIntent)
  const closing = Deferred.makeUnsafe<void>()
  const calls = await Effect.runPromise(Scope.provide(FiberSet.make(), scope))
  let ending: Promise<void> | undefined

  const close = (): Promise<void> =>
    (ending ??= Effect.runPromise(
      Deferred.succeed(closing, undefined).pipe(
        Effect.andThen(Effect.timeoutOption(FiberSet.awaitEmpty(calls), closingMax)),
        Effect.andThen(Scope.close(scope, Exit.void))
      )
    ))

  const as = (agentContext: Context.Context<never>): Engine => {
    const fork = Effect.runSync(Effect.provideContext(FiberSet.runtimePromise(calls)(), agentContext))
    const run = <A>(effect: Effect.Effect<A, unknown>): Promise<A> =>
      ending === undefined ? fork(effect) : Promise.reject(closed())
    const settle = (answer: Answer): unknown =>
      Effect.isEffect(answer)
        ? run(answer)
        : Stream.toAsyncIterableWith(Stream.interruptWhen(answer, Deferred.await(closing)), agentContext)
    const promised = Struct.lambda<ToPromised>((member) =>
      Effect.isEffect(member) ? () => settle(member) : (...args: ReadonlyArray<never>) => settle(member(...args))
    )
    const { leases, retries } = engine
    /** The work of a caller, which `close` does not wait for. */
    const runOpen = <A>(work: Effect.Effect<A, unknown>) =>
      run(Effect.raceFirst(work, Effect.andThen(Deferred.await(closing), Effect.failSync(closed))))
    return {
      intents: Struct.map(engine.intents, promised),
      events: Struct.map(engine.events, promised),
      costs: Struct.map(engine.costs, promised),
      agents: Struct.map(engine.agents, promised),
      governance: Struct.map(engine.governance, promised),
      portfolios: Struct.map(engine.portfolios, promised),
      graph: Struct.map(engine.graph, promised),
      attachments: Struct.map(engine.attachments, promised),
      llm: Struct.map(engine.llm, promised),
      subscriptions: Struct.map(engine.subscriptions, promised),
      health: Struct.map(engine.health, promised),
      leases: {
        ...Struct.map(Struct.omit(leases, ["acquire", "withLease"]), promised),
        acquire: async (intentId, input) => {
          const lease = await run(leases.acquire(intentId, input))
          const release = Effect.ignore(leases.release(intentId, lease.id))
          return { ...lease, [Symbol.asyncDispose]: () => run(release).catch(() => undefined) }
        },
        withLease: (intentId, scope, options, use) =>
          runOpen(
            leases.withLease(intentId, scope, options, (lease) => Effect.promise(async (signal) => use(lease, signal)))
          )
      },
      retries: {
        ...Struct.map(Struct.omit(retries, ["run"]), promised),
        run: (intentId, work, options) =>
          runOpen(
            retries.run(
              intentId,
              (attempt) =>
                Effect.catchDefect(
                  Effect.promise(async (signal) => work(attempt, signal)),
                  Effect.fail
                ),
              options
            )
          )
      },
      as: (agentId) => as(Context.add(agentContext, CurrentAgent, agentId)),
      once: (key) => as(Context.add(agentContext, CurrentKey, key)),
      close,
      [Symbol.asyncDispose]: close
    }
  }
  return as(agent === undefined ? Context.empty() : Context.make(CurrentAgent, agent))
}
