/** What programs do under keys, and what came of it: each effect holds the mark of the call that made it. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { OpenIntent } from "../../core/OpenIntent.ts"
import { act, type Acted, type Stage } from "../scene.ts"

const Agent = Schema.Literals(["ann", "bob"])
const What = Schema.Literals(["create", "patch", "append", "reserve"])

export const Send = Schema.TaggedStruct("Send", {
  agent: Agent,
  key: Schema.Literals(["k1", "k2"]),
  what: What,
  /** What it is called with, beside what tells it from other calls. */
  input: Schema.Literals(["a", "a", "a", "b"])
})
/** Makes another answer of what was answered before. */
export const Change = Schema.TaggedStruct("Change", { agent: Agent })

export type Command = typeof Send.Type | typeof Change.Type

export interface Known {
  readonly intentId: string
}

export interface World {
  readonly version: number
  /** The marks of all effects. */
  readonly effects: ReadonlyArray<string>
}

export type OnceAct =
  | (Acted<"Send", object> & {
      /** Whose call of what under which key. */
      readonly call: string
      readonly input: string
    })
  | Acted<"Change", object>

export const begin = ({ engine }: Stage) =>
  Effect.map(engine.intents.create({ title: "once", constraints: { max_cost: 1_000_000 } }), ({ id }): Known => ({
    intentId: id
  }))

const calling = (
  { engine }: Stage,
  { intentId }: Known,
  what: typeof What.Type,
  mark: string,
  { version }: World
): Effect.Effect<object, { readonly _tag: string; readonly message: string }> => {
  switch (what) {
    case "create":
      return engine.intents.create({ title: mark, parentIntentId: intentId })
    case "patch":
      return engine.intents.patchState(intentId, { version, patches: [{ op: "append", path: "/marks", value: mark }] })
    case "append":
      return engine.events.append(intentId, { type: "comment", payload: { mark } })
    case "reserve":
      return engine.costs.reserve(intentId, { amount: 1, costType: mark })
  }
}

export const perform = (stage: Stage, known: Known, command: Command, seen: World): Effect.Effect<OnceAct> => {
  const agent = stage.agents[command.agent]
  if (command._tag === "Change") {
    const { engine } = stage
    const changed = Effect.flatMap(engine.intents.get(known.intentId), ({ version }) =>
      engine.intents.patchState(known.intentId, { version, state: { version } })
    )
    return act("Change", agent, "changes the intent", changed, {})
  }
  const { input, key, what } = command
  const call = `${agent} ${what} ${key}`
  const sent = OpenIntent.once(key)(calling(stage, known, what, `${call} ${input}`, seen))
  return act("Send", agent, `does ${what} with ${input} under ${key}`, sent, { call, input })
}

const texts = (value: unknown): ReadonlyArray<string> => (Array.isArray(value) ? value.map(String) : [])

export const read = ({ engine }: Stage, { intentId }: Known) =>
  Effect.gen(function* () {
    const { state, version } = yield* engine.intents.get(intentId)
    const children = yield* engine.graph.children(intentId)
    const comments = yield* engine.events.list(intentId, { type: "comment", limit: 1000 })
    const reservations = yield* engine.costs.reservations(intentId)
    const effects = [
      ...texts(state["marks"]),
      ...children.items.map(({ title }) => title),
      ...comments.items.flatMap(({ payload }) => texts([payload["mark"]])),
      ...reservations.items.map(({ costType }) => costType)
    ]
    return { version, effects }
  })
