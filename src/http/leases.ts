/** http.md 8 */
import * as Effect from "effect/Effect"
import { HttpApiBuilder } from "effect/http-api"
import type { Lease } from "../core/lease/Lease.ts"
import { OpenIntent } from "../core/OpenIntent.ts"
import { answer, json, pageAnswer } from "./answers.ts"
import { Api } from "./Api.ts"
import { Caller } from "./api/common.ts"
import { leaseBody } from "./bodies.ts"
import { HttpOptions } from "./HttpOptions.ts"
import { readBody } from "./requestBody.ts"
import { acquireLease, renewLease, revokeLease } from "./requests.ts"
import type { Profile } from "./timestamps.ts"

const leaseAnswer = (lease: Lease, profile: Profile) => json(leaseBody(lease, profile))

/** Needs `OpenIntent`. */
export const layer = HttpApiBuilder.group(
  Api,
  "leases",
  Effect.fnUntraced(function* (handlers) {
    const engine = yield* OpenIntent
    const options = yield* HttpOptions
    const { leases } = engine
    return handlers
      .handleRaw("acquire", ({ params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ agentId, boundTo, profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => acquireLease(body, agentId, boundTo)),
            Effect.flatMap(({ input, owner }) => OpenIntent.as(owner)(leases.acquire(intentId, input))),
            (effect) => answer(effect, { engine, intentId, profile, onSuccess: leaseAnswer })
          )
        )
      )
      .handleRaw("list", ({ params: { intentId }, query, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(leases.list(intentId, query), {
            engine,
            intentId,
            profile,
            onSuccess: (page) => pageAnswer("leases", page, leaseBody, profile, request.url)
          })
        )
      )
      .handleRaw("renew", ({ params: { intentId, leaseId }, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap(renewLease),
            Effect.flatMap((input) => leases.renew(intentId, leaseId, input)),
            (effect) => answer(effect, { engine, intentId, profile, onSuccess: leaseAnswer })
          )
        )
      )
      .handleRaw("release", ({ params: { intentId, leaseId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(leases.release(intentId, leaseId), {
            engine,
            intentId,
            profile,
            onSuccess: (lease) => json({ message: "Lease released", lease: leaseBody(lease, profile) })
          })
        )
      )
      .handleRaw("revoke", ({ params: { intentId, leaseId }, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap(revokeLease),
            Effect.flatMap((input) => leases.revoke(intentId, leaseId, input)),
            (effect) => answer(effect, { engine, intentId, profile, onSuccess: leaseAnswer })
          )
        )
      )
  })
)
