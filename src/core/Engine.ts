/** The embedded engine: the nouns over the commands, and what runs in the background. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { makeAgents } from "./agent/Agents.ts"
import { ApiKeys } from "./apiKey/ApiKeys.ts"
import { makeAttachments } from "./attachment/Attachments.ts"
import { Commands } from "./Commands.ts"
import type { EngineOptions } from "./EngineOptions.ts"
import { makeCosts } from "./cost/Costs.ts"
import { expiring } from "./cost/expiry.ts"
import { costFigure } from "./cost/summary.ts"
import { defaultOptions } from "./EngineOptions.ts"
import { EventCounts } from "./event/EventCounts.ts"
import { makeEvents } from "./event/Events.ts"
import { Hub } from "./event/Hub.ts"
import { makeGraph } from "./graph/Graphs.ts"
import { makeGovernance } from "./governance/Governance.ts"
import { makeIntents } from "./intent/Intents.ts"
import { makeLeases } from "./lease/Leases.ts"
import { sweepingLeases } from "./lease/sweeper.ts"
import { llmFigure, makeLlm } from "./llm/LlmActivity.ts"
import { OpenIntent } from "./OpenIntent.ts"
import { makeRetries } from "./retry/Retries.ts"
import { handingOut } from "./retry/sweeper.ts"
import { RunningFigures } from "./RunningFigure.ts"
import { makePortfolios } from "./portfolio/Portfolios.ts"
import { keyedCalls, keyedEvents } from "./receipt/calls.ts"
import { withReceipts } from "./receipt/commands.ts"
import { removingReceipts } from "./receipt/sweeper.ts"
import { sealForever } from "./seal/sealer.ts"
import { Sha256 } from "./seal/Sha256.ts"
import { Storage } from "./Storage.ts"
import { makeDeliverer } from "./subscription/deliverer.ts"
import { defaultWebhookOptions } from "./subscription/options.ts"
import { makeSubscriptions } from "./subscription/Subscriptions.ts"
import { WebhookSender } from "./subscription/WebhookSender.ts"
import { told } from "./storageFaults.ts"
import { everAgain } from "./sweeping.ts"

/** Moves counts or figures on, now and then. */
const folding = (fold: EventCounts["Service"]["fold"], { sweepInterval }: EngineOptions) =>
  everAgain("the folding of figures", sweepInterval, told(fold))

const make = (options: EngineOptions) =>
  Effect.gen(function* () {
    const storage = yield* Storage
    const commands = withReceipts(yield* Commands, storage, options.receiptsKept)
    const counts = yield* EventCounts
    const figures = yield* RunningFigures
    const hub = yield* Hub
    const owner = commands.newId((yield* storage.now).epochMilliseconds)
    yield* Effect.forkScoped(sweepingLeases(storage, commands, owner, options))
    yield* Effect.forkScoped(handingOut(storage, commands, owner, options))
    yield* Effect.forkScoped(expiring(storage, commands, owner, options))
    yield* Effect.forkScoped(removingReceipts(storage, commands, owner, options))
    yield* Effect.forkScoped(folding(counts.fold, options))
    yield* Effect.forkScoped(folding(figures.fold, options))
    const sha256 = yield* Sha256
    if (options.sealEvents && sha256 !== undefined)
      yield* Effect.forkScoped(sealForever({ storage, commands, hub, sha256, owner }))
    const events = keyedEvents(makeEvents(storage, commands, counts, hub, sha256))
    const costs = makeCosts(storage, commands, figures.keep(costFigure), options)
    const webhooks = { ...defaultWebhookOptions, ...options.webhooks }
    const open = yield* WebhookSender
    const sender = open && (yield* Effect.cached(open(webhooks)))
    const delivering = { storage, commands, follow: events.follow, options: webhooks }
    const changed = yield* makeDeliverer(delivering, sender, owner)
    return OpenIntent.of(
      keyedCalls({
        intents: makeIntents(storage, commands, options),
        events,
        leases: makeLeases(storage, commands, options),
        agents: makeAgents(storage, commands),
        costs,
        governance: makeGovernance(storage, commands),
        portfolios: makePortfolios(storage, commands, options),
        attachments: makeAttachments(storage, commands, options),
        llm: makeLlm(events, costs, figures.keep(llmFigure), commands),
        retries: makeRetries(storage, commands, options),
        graph: makeGraph(storage, commands, options),
        subscriptions: makeSubscriptions(storage, commands, sender, changed),
        health: { check: told(storage.check) }
      })
    )
  })

export const Engine = {
  /** The engine over a storage. Its background work (expiry of leases, counts) ends with the layer. */
  layer: (options: Partial<EngineOptions> = {}): Layer.Layer<OpenIntent | ApiKeys, never, Storage> =>
    Layer.effect(OpenIntent, make({ ...defaultOptions, ...options })).pipe(
      Layer.merge(ApiKeys.layer),
      Layer.provide(Commands.layer),
      Layer.provide([EventCounts.layer, RunningFigures.layer, Hub.layer])
    ),
  /** The keys of a storage alone: nothing runs in the background. */
  keys: ApiKeys.layer.pipe(
    Layer.provide(Commands.layer),
    Layer.provide([EventCounts.layer, RunningFigures.layer, Hub.layer])
  )
}
