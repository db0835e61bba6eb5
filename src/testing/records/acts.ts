/** What programs do with arbitration and attachments, and what is read of it. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Attachment } from "../../core/attachment/Attachment.ts"
import type { Arbitration, RecordedDecision } from "../../core/governance/Arbitration.ts"
import { act, type Acted, type Stage } from "../scene.ts"

const Agent = Schema.Literals(["ann", "bob", "cid"])
const IntentRef = Schema.Literals([0, 1])
/** Which of those made so far, modulo their number. */
const Ref = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))

export const Request = Schema.TaggedStruct("Request", { agent: Agent, intent: IntentRef })
/** `arbitration`: the one that it names, or null for none. */
export const Decide = Schema.TaggedStruct("Decide", {
  agent: Agent,
  intent: IntentRef,
  arbitration: Schema.NullOr(Ref),
  type: Schema.Literals(["arbitration", "arbitration", "technical"])
})
export const Attach = Schema.TaggedStruct("Attach", {
  agent: Agent,
  intent: IntentRef,
  bytes: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))).check(Schema.isMaxLength(20)),
  /** A size that is not that of the content. */
  claims: Schema.NullOr(Schema.Literals([7]))
})
/** `elsewhere`: through the path of the other intent. */
export const Detach = Schema.TaggedStruct("Detach", { agent: Agent, attachment: Ref, elsewhere: Schema.Boolean })

export type Command = typeof Request.Type | typeof Decide.Type | typeof Attach.Type | typeof Detach.Type

/** Content that was attached, by the id it was given. */
export interface Known {
  readonly intents: ReadonlyArray<string>
  readonly arbitrations: Array<Arbitration>
  readonly attachments: Array<{ readonly attachment: Attachment; readonly bytes: ReadonlyArray<number> }>
}

export interface Seen {
  readonly arbitrations: ReadonlyArray<Arbitration>
  readonly decisions: ReadonlyArray<RecordedDecision>
  readonly attachments: ReadonlyArray<Attachment>
  /** By the id of the attachment. */
  readonly contents: ReadonlyMap<string, ReadonlyArray<number>>
}

export interface World {
  readonly intents: ReadonlyMap<string, Seen>
  readonly attached: Known["attachments"]
}

export type RecordAct =
  | Acted<"Request", Arbitration>
  | Acted<"Decide", RecordedDecision>
  | Acted<"Attach", Attachment>
  | (Acted<"Detach", void> & { readonly elsewhere: boolean; readonly attachment: Attachment })

export const begin = ({ engine }: Stage) =>
  Effect.map(
    Effect.forEach([1, 2], (n) => engine.intents.create({ title: `intent ${n}` })),
    (made): Known => ({ intents: made.map(({ id }) => id), arbitrations: [], attachments: [] })
  )

export const perform = (
  { agents, engine: { attachments, governance } }: Stage,
  known: Known,
  command: Command
): Effect.Effect<RecordAct> | undefined => {
  const agent = agents[command.agent]
  const intentId = "intent" in command ? (known.intents[command.intent] ?? "") : ""
  switch (command._tag) {
    case "Request": {
      const requested = governance.requestArbitration(intentId, { reason: "we disagree" })
      const noted = Effect.tap(requested, (made) => Effect.sync(() => known.arbitrations.push(made)))
      return act("Request", agent, `asks for arbitration on ${intentId}`, noted, {})
    }
    case "Decide": {
      const { arbitration, type: decisionType } = command
      const named = arbitration === null ? undefined : known.arbitrations[arbitration % known.arbitrations.length]
      const asks = `decides on ${intentId} (${decisionType}), ${named === undefined ? "naming none" : `on ${named.id}`}`
      const input = { outcome: "so be it", decisionType, arbitrationId: named?.id }
      return act("Decide", agent, asks, governance.recordDecision(intentId, input), {})
    }
    case "Attach": {
      const { bytes, claims } = command
      const input = {
        filename: "notes.bin",
        mimeType: "text/plain",
        content: Uint8Array.from(bytes),
        size: claims ?? undefined
      }
      const added = Effect.tap(attachments.add(intentId, input), (attachment) =>
        Effect.sync(() => known.attachments.push({ attachment, bytes }))
      )
      return act("Attach", agent, `attaches ${bytes.length} bytes to ${intentId}`, added, {})
    }
    case "Detach": {
      const attached = known.attachments[command.attachment % known.attachments.length]
      if (attached === undefined) return undefined
      const { attachment } = attached
      const other = known.intents.find((id) => id !== attachment.intentId) ?? ""
      const path = command.elsewhere ? other : attachment.intentId
      const asks = `removes ${attachment.id} from ${path}`
      return act("Detach", agent, asks, attachments.remove(path, attachment.id), {
        elsewhere: command.elsewhere,
        attachment
      })
    }
  }
}

export const read = ({ engine: { attachments, governance } }: Stage, known: Known) =>
  Effect.gen(function* () {
    const intents = new Map<string, Seen>()
    for (const id of known.intents) {
      const files = (yield* attachments.list(id)).items
      const contents = new Map<string, ReadonlyArray<number>>()
      for (const file of files) contents.set(file.id, [...(yield* attachments.content(id, file.id)).bytes])
      intents.set(id, {
        arbitrations: (yield* governance.arbitrations(id)).items,
        decisions: (yield* governance.decisions(id)).items,
        attachments: files,
        contents
      })
    }
    return { intents, attached: [...known.attachments] }
  })
