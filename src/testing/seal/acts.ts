/** What programs write into logs, and what is read of their seals. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { LogEvent } from "../../core/event/LogEvent.ts"
import type { JsonObject } from "../../core/json.ts"
import type { Verification } from "../../core/seal/Verification.ts"
import { canonical } from "../canonical.ts"
import { act, pass, type Stage } from "../scene.ts"

const Agent = Schema.Literals(["ann", "bob", "cid"])
const IntentRef = Schema.Literals([0, 1, 2])

/** Members in an order that is not that of their names, names that look like numbers, characters of all lengths. */
const payloads: ReadonlyArray<JsonObject> = [
  {},
  { z: 1, a: { y: [1, { b: null, a: true }], x: -0.5 } },
  { 10: "ten", 9: "nine", "": [], é: "€😀", "\u0080": 1e-7 }
]

export const Append = Schema.TaggedStruct("Append", {
  agent: Agent,
  intent: IntentRef,
  payload: Schema.Literals([0, 1, 2]),
  traced: Schema.Boolean
})
export const Patch = Schema.TaggedStruct("Patch", { agent: Agent, intent: IntentRef })
export const Assign = Schema.TaggedStruct("Assign", { agent: Agent, intent: IntentRef })
export const Pass = Schema.TaggedStruct("Pass", { seconds: Schema.Literals([1]) })

export type Command = typeof Append.Type | typeof Patch.Type | typeof Assign.Type

export interface Known {
  readonly intents: ReadonlyArray<string>
}

/** The log of an intent, and what the engine says of it. */
export interface Sealed {
  readonly log: ReadonlyArray<LogEvent>
  /** The hash of its last event, made from the log alone. */
  readonly head: string
  readonly found: Verification
}

/** Known at the end only. */
export type World = ReadonlyMap<string, Sealed>

export const begin = ({ engine }: Stage) =>
  Effect.map(
    Effect.forEach([1, 2, 3], (n) => engine.intents.create({ title: `intent ${n}` })),
    (intents): Known => ({ intents: intents.map(({ id }) => id) })
  )

export const perform = ({ agents, engine }: Stage, { intents }: Known, command: Command) => {
  const agent = agents[command.agent]
  const intentId = intents[command.intent] ?? ""
  switch (command._tag) {
    case "Append": {
      const payload = payloads[command.payload]
      const traceId = command.traced ? `trace of ${agent}` : undefined
      const asks = `appends ${canonical(payload)} to ${intentId}`
      return act("Append", agent, asks, engine.events.append(intentId, { type: "comment", payload, traceId }), {})
    }
    case "Patch": {
      const patches = [{ op: "set", path: "/by", value: agent }] as const
      const patched = Effect.flatMap(engine.intents.get(intentId), ({ version }) =>
        engine.intents.patchState(intentId, { version, patches })
      )
      return act("Patch", agent, `patches ${intentId}`, patched, {})
    }
    case "Assign":
      return act(
        "Assign",
        agent,
        `assigns itself to ${intentId}`,
        engine.agents.assign(intentId, { agentId: agent }),
        {}
      )
  }
}

/** As in RFC 0019, from the fields of http.md 2.2 in profile 2. */
const hashAfter = async (event: LogEvent, previous: string | null): Promise<string> => {
  const text = canonical({
    id: event.id,
    intent_id: event.intentId,
    event_type: event.type,
    actor: event.actor,
    agent_id: event.actor,
    payload: event.payload,
    sequence: event.position,
    source: event.source,
    trace_id: event.traceId ?? undefined,
    parent_event_id: event.parentEventId ?? undefined,
    created_at: DateTime.formatIso(event.createdAt).replace("Z", "000Z"),
    previous_event_hash: previous
  })
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)))
  const base64 = btoa(String.fromCharCode(...digest))
  return `sha256:${base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`
}

const readSeals = ({ engine }: Stage, intentId: string, found: Verification) =>
  Effect.gen(function* () {
    const { items } = yield* engine.events.list(intentId, { order: "asc", visibility: "all", limit: 1000 })
    let head: string | null = null
    for (const event of items) {
      const previous: string | null = head
      head = yield* Effect.promise(() => hashAfter(event, previous))
    }
    return { log: items, head: head ?? "", found }
  })

/** Where a process died that sealed, another one takes over after a few seconds; else a second is enough. */
const graceMs = 5000
const stepMs = 250

/** Waits until all is sealed, or a few seconds have passed. */
export const finish = (stage: Stage, { intents }: Known) =>
  Effect.gen(function* () {
    const verify = Effect.forEach(intents, (id) => stage.engine.events.verify(id))
    let found = yield* verify
    for (let waited = 0; waited < graceMs; waited += stepMs) {
      if (found.every(({ unsealedCount, valid }) => valid && unsealedCount === 0)) break
      yield* pass(stage.options, stepMs)
      found = yield* verify
    }
    const world = new Map<string, Sealed>()
    for (const one of found) world.set(one.intentId, yield* readSeals(stage, one.intentId, one))
    return world
  })
