import * as Context from "effect/Context"

/** Who acts: the actor of events and the owner of leases. Set with `OpenIntent.as`, by HTTP from the request (decision 1). */
export const CurrentAgent = Context.Reference<string>("openintent/core/CurrentAgent", { defaultValue: () => "local" })

/** The actor of what the engine does by itself: expiry, unblocking. No agent may use it. */
export const systemAgent = "system"
