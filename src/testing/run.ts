/** Runs a program against an engine, and reads what it does to the world. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Intent, Patch } from "../core/intent/Intent.ts"
import type { Json } from "../core/json.ts"
import type { Lease } from "../core/lease/Lease.ts"
import { OpenIntent, type OpenIntentShape } from "../core/OpenIntent.ts"
import {
  type Call,
  Died,
  type Entry,
  type History,
  type Instant,
  type Listing,
  type Observation,
  type Refusal,
  type Request,
  type Step,
  type World
} from "./Call.ts"
import { isSame } from "./canonical.ts"
import { type AgentName, agentNames, type Command, values } from "./commands.ts"
import { follow, turn } from "./following.ts"
import { readListings } from "./listings.ts"
import { isExpiry } from "./model/world.ts"
import { statusAt } from "./model/leases.ts"
import type { Program } from "./programs.ts"
import type { TimeSettings } from "./Suite.ts"

/** Reading what the program made failed. */
export type ReadFailure = Effect.Error<ReturnType<typeof readEntry>>

/** How often a program lets real time pass: each costs one or two seconds. */
const realPassesMax = 2

/** An intent that does not exist. */
const ghost = "00000000-0000-7000-8000-000000000000"

/** What commands speak of. */
interface Known {
  readonly agents: { readonly [name in AgentName]: string }
  readonly intents: ReadonlyArray<string>
  readonly leases: ReadonlyArray<Lease>
  readonly world: World
}

const escape = (segment: string) => segment.replaceAll("~", "~0").replaceAll("/", "~1")

const valueOf = (number: number): Json => values[number % values.length]!

type PatchCommand = Extract<Command, { readonly _tag: "Patch" }>

const patchesOf = (
  form: PatchCommand["form"]
): { readonly patches: ReadonlyArray<Patch> } | { readonly state: object } =>
  form._tag === "Merge"
    ? { state: Object.fromEntries(form.entries.map(({ key, value }) => [key, valueOf(value)])) }
    : {
        patches: form.ops.map(({ op, path, value }): Patch => {
          const text =
            path._tag === "Key"
              ? path.key
              : path._tag === "Odd"
                ? path.path
                : path.segments.map((segment) => `/${escape(segment)}`).join("")
          return op === "remove" ? { op, path: text } : { op, path: text, value: valueOf(value) }
        })
      }

const tokenOf = (command: PatchCommand, intentId: string, known: Known): { readonly leaseToken?: number } => {
  if (command.token === "none") return {}
  const leases = known.leases.filter(
    (lease) =>
      lease.intentId === intentId && (command.token === "anybody" || lease.agentId === known.agents[command.agent])
  )
  const lease = leases.at(-1)
  return lease === undefined ? {} : { leaseToken: lease.fencingToken }
}

interface Resolved {
  readonly agent: string
  readonly request: Request
}

/** The request that a command is now; undefined if there is nothing that it could speak of. */
const resolve = (command: Command, known: Known): Resolved | undefined => {
  const { agents, intents, leases } = known
  const intentOf = (ref: number) => (ref < 0 ? ghost : (intents[ref % intents.length] ?? ghost))
  const seenVersion = (intentId: string) => known.world.entries.get(intentId)?.intent.version ?? 1
  const versionOf = (intentId: string, kind: PatchCommand["version"]) =>
    Math.max(1, seenVersion(intentId) + (kind === "seen" ? 0 : kind === "older" ? -1 : 1))
  const leaseOf = (ref: number) => leases[ref % leases.length]
  switch (command._tag) {
    case "Create":
      return {
        agent: agents[command.agent],
        request: {
          _tag: "Create",
          input: {
            title: `an intent of ${command.agent}`,
            ...(command.parent === null ? {} : { parentIntentId: intentOf(command.parent) }),
            ...(command.dependsOn.length === 0 ? {} : { dependsOn: command.dependsOn.map(intentOf) }),
            ...(command.status === null ? {} : { status: command.status }),
            ...(command.assign === null ? {} : { assign: agents[command.assign] }),
            state: { a: { b: 1, c: { a: true } }, list: [0] }
          }
        }
      }
    case "Patch": {
      const intentId = intentOf(command.intent)
      const version = versionOf(intentId, command.version)
      return {
        agent: agents[command.agent],
        request: {
          _tag: "Patch",
          intentId,
          input: { version, ...patchesOf(command.form), ...tokenOf(command, intentId, known) }
        }
      }
    }
    case "SetStatus": {
      const intentId = intentOf(command.intent)
      return {
        agent: agents[command.agent],
        request: {
          _tag: "SetStatus",
          intentId,
          input: { version: versionOf(intentId, command.version), status: command.status }
        }
      }
    }
    case "Append":
      return {
        agent: agents[command.agent],
        request: {
          _tag: "Append",
          intentId: intentOf(command.intent),
          input: { type: command.type, payload: { value: valueOf(command.value) } }
        }
      }
    case "Acquire":
      return {
        agent: agents[command.agent],
        request: { _tag: "Acquire", intentId: intentOf(command.intent), scope: command.scope, seconds: command.seconds }
      }
    case "Renew":
    case "Release":
    case "Revoke":
    case "RenewOwn":
    case "ReleaseOwn": {
      const lease = leaseOf(command.lease)
      if (lease === undefined) return undefined
      const elsewhere = "elsewhere" in command && command.elsewhere
      const intentId = elsewhere ? (intents.find((id) => id !== lease.intentId) ?? ghost) : lease.intentId
      const agent = "agent" in command ? agents[command.agent] : lease.agentId
      const leaseId = lease.id
      if (command._tag === "Revoke") return { agent, request: { _tag: "Revoke", intentId, leaseId } }
      return "seconds" in command
        ? { agent, request: { _tag: "Renew", intentId, leaseId, seconds: command.seconds } }
        : { agent, request: { _tag: "Release", intentId, leaseId } }
    }
    case "Assign":
      return {
        agent: agents[command.agent],
        request: {
          _tag: "Assign",
          intentId: intentOf(command.intent),
          input: { agentId: agents[command.who], role: command.role }
        }
      }
    case "Unassign":
      return {
        agent: agents[command.agent],
        request: { _tag: "Unassign", intentId: intentOf(command.intent), agentId: agents[command.who] }
      }
    case "Watch":
      return { agent: agents[command.agent], request: { _tag: "Watch", intentId: intentOf(command.intent) } }
    case "Pass":
      return undefined
  }
}

const allEvents = { order: "asc", visibility: "all", limit: 1_000 } as const

const observe = (engine: OpenIntentShape, intentId: string): Effect.Effect<Observation, Refusal> =>
  Effect.gen(function* () {
    const eventsBefore = (yield* engine.events.list(intentId, allEvents)).items
    const intent = yield* engine.intents.get(intentId)
    const active = (yield* engine.leases.list(intentId)).items
    const eventsAfter = (yield* engine.events.list(intentId, allEvents)).items
    return { eventsBefore, intent, active, eventsAfter }
  })

/** Looks a few times, with pauses in which those who write at the same time go on. */
const watch = (engine: OpenIntentShape, intentId: string) =>
  Effect.forEach(Array.from({ length: 6 }), () => Effect.tap(observe(engine, intentId), Effect.yieldNow))

const execute = (engine: OpenIntentShape, { agent, request }: Resolved, name: string): Effect.Effect<Call> => {
  const asked = <A>(effect: Effect.Effect<A, Refusal>): Effect.Effect<Result.Result<A, Refusal>> =>
    effect.pipe(
      Effect.catchDefect((defect) => Effect.fail(new Died({ defect }))),
      Effect.result,
      OpenIntent.as(agent)
    )
  const common = { agent, name }
  switch (request._tag) {
    case "Create":
      return Effect.map(asked(engine.intents.create(request.input)), (result) => ({ ...common, ...request, result }))
    case "Patch":
      return Effect.map(asked(engine.intents.patchState(request.intentId, request.input)), (result) => ({
        ...common,
        ...request,
        result
      }))
    case "SetStatus":
      return Effect.map(asked(engine.intents.setStatus(request.intentId, request.input)), (result) => ({
        ...common,
        ...request,
        result
      }))
    case "Append":
      return Effect.map(asked(engine.events.append(request.intentId, request.input)), (result) => ({
        ...common,
        ...request,
        result
      }))
    case "Acquire": {
      const input = { scope: request.scope, duration: Duration.seconds(request.seconds) }
      return Effect.map(asked(engine.leases.acquire(request.intentId, input)), (result) => ({
        ...common,
        ...request,
        result
      }))
    }
    case "Renew": {
      const input = { duration: Duration.seconds(request.seconds) }
      return Effect.map(asked(engine.leases.renew(request.intentId, request.leaseId, input)), (result) => ({
        ...common,
        ...request,
        result
      }))
    }
    case "Release":
      return Effect.map(asked(engine.leases.release(request.intentId, request.leaseId)), (result) => ({
        ...common,
        ...request,
        result
      }))
    case "Revoke":
      return Effect.map(asked(engine.leases.revoke(request.intentId, request.leaseId)), (result) => ({
        ...common,
        ...request,
        result
      }))
    case "Assign":
      return Effect.map(asked(engine.agents.assign(request.intentId, request.input)), (result) => ({
        ...common,
        ...request,
        result
      }))
    case "Unassign":
      return Effect.map(asked(engine.agents.unassign(request.intentId, request.agentId)), (result) => ({
        ...common,
        ...request,
        result
      }))
    case "Watch":
      return Effect.map(asked(watch(engine, request.intentId)), (result) => ({ ...common, ...request, result }))
  }
}

const readEntry = (engine: OpenIntentShape, intentId: string) =>
  Effect.gen(function* (): Effect.fn.Return<Entry, Effect.Error<ReturnType<OpenIntentShape["events"]["list"]>>> {
    const intent: Intent = yield* engine.intents.get(intentId)
    const leases = (yield* engine.leases.list(intentId, { status: "all" })).items
    const agents = (yield* engine.agents.list(intentId)).items
    const events = (yield* engine.events.list(intentId, allEvents)).items
    return { intent, events, leases, agents }
  })

/** Leases that are over by time, and whose end is not in the log yet. */
const untold = (world: World): boolean =>
  [...world.entries.values()].some(({ events, leases }) =>
    leases.some(
      (lease) =>
        statusAt(lease, world.at) === "expired" &&
        !events.some((event) => isExpiry(event) && event.payload["lease_id"] === lease.id)
    )
  )

/**
 * Runs a program on intents and agents of its own, so that programs do not meet. `patienceMs`: how long followers may
 * take for what is in the log.
 */
export const runProgram = (
  program: Program,
  settings: TimeSettings,
  patienceMs: number
): Effect.Effect<History, ReadFailure, OpenIntent> =>
  Effect.gen(function* () {
    const engine = yield* OpenIntent
    const mark = crypto.randomUUID().slice(-12)
    const agents = { ann: `ann-${mark}`, bob: `bob-${mark}`, cid: `cid-${mark}` }
    const tolerance = settings.clockToleranceMs ?? (settings.advance === undefined ? 100 : 0)
    const pass = (millis: number) =>
      settings.advance === undefined
        ? Effect.sleep(millis + 2 * tolerance)
        : Effect.andThen(settings.advance(Duration.millis(millis)), turn)
    const during = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<readonly [A, Instant], E, R> =>
      Effect.gen(function* () {
        const from = yield* Clock.currentTimeMillis
        const value = yield* effect
        return [value, { from: from - tolerance, to: (yield* Clock.currentTimeMillis) + tolerance }]
      })

    const intents: Array<string> = []
    const leases: Array<Lease> = []
    const readWorld: Effect.Effect<World, ReadFailure> = Effect.map(
      during(Effect.forEach(intents, (id) => readEntry(engine, id))).pipe(OpenIntent.as(agents.ann)),
      ([entries, at]) => ({ at, entries: new Map(entries.map((entry) => [entry.intent.id, entry])) })
    )
    let world = yield* readWorld
    const steps: Array<Step> = []
    let number = 0
    let passesLeft = settings.advance === undefined ? realPassesMax : Infinity
    const runStep = (commands: ReadonlyArray<Command>) =>
      Effect.gen(function* () {
        const before = world
        const known = { agents, intents: [...intents], leases: [...leases], world }
        const resolved = commands.flatMap((command) => resolve(command, known) ?? [])
        number++
        const calls = yield* Effect.forEach(
          resolved,
          (one, i) => execute(engine, one, resolved.length === 1 ? `${number}` : `${number}${"abcdefgh"[i] ?? "z"}`),
          { concurrency: "unbounded" }
        )
        for (const call of calls) {
          if (call._tag === "Create" && Result.isSuccess(call.result)) intents.push(call.result.success.id)
          if (call._tag === "Acquire" && Result.isSuccess(call.result)) leases.push(call.result.success)
        }
        world = yield* readWorld
        steps.push({ before, calls, after: world })
      })

    yield* runStep([{ _tag: "Create", agent: "ann", parent: null, dependsOn: [], status: null, assign: null }])
    const [first] = intents
    const followers = first === undefined ? [] : [yield* follow(engine, { intentId: first }, 0, patienceMs)]
    for (const phase of program) {
      for (const command of phase) {
        if (command._tag !== "Pass" || passesLeft-- <= 0) continue
        const before = world
        yield* pass(command.seconds * 1_000)
        world = yield* readWorld
        steps.push({ before, calls: [], after: world })
      }
      const commands = phase.filter((command) => command._tag !== "Pass")
      if (commands.length > 0) yield* runStep(commands)
    }
    const target = {
      intents,
      intentId: intents[number % 2] ?? intents[0] ?? ghost,
      agentId: agents[agentNames[number % 3] ?? "ann"],
      limit: 1 + (number % 3)
    }
    const read = readListings(engine, target).pipe(OpenIntent.as(agents.ann))
    let listings: ReadonlyArray<Listing> = []
    for (let i = 0; i < 5; i++) {
      const before = world
      const found = yield* read
      world = yield* readWorld
      // Lists are compared only where no lease came to its end while they were read.
      if (!isSame(before.entries, world.entries)) continue
      listings = found
      break
    }
    for (let i = 0; i < 20 && untold(world); i++) {
      yield* pass(100)
      world = yield* readWorld
    }
    const log = world.entries.get(target.intentId)?.events ?? []
    const middle = log[log.length >> 1]?.position ?? 0
    const late = yield* follow(engine, { intentId: target.intentId }, middle, patienceMs)
    const followed = [
      ...(yield* Effect.forEach(followers, (told) => told(world.entries.get(intents[0] ?? "")?.events.length ?? 0))),
      yield* late(log.filter((event) => event.position > middle).length)
    ]
    return { steps, listings, followed, end: world }
  }).pipe(Effect.scoped)
