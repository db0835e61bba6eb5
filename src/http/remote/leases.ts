import * as Duration from "effect/Duration"
import { makeWithLease } from "../../core/lease/withLease.ts"
import type { OpenIntentShape } from "../../core/OpenIntent.ts"
import { ask, type Client, given } from "./call.ts"
import { leaseOf, pageOf } from "./records.ts"

const seconds = (duration: Duration.Input | undefined) =>
  given({
    duration_seconds: duration === undefined ? undefined : Duration.toSeconds(Duration.fromInputUnsafe(duration))
  })

/** http.md 8 */
export const makeLeases = ({ leases }: Client): OpenIntentShape["leases"] => {
  const calls: Omit<OpenIntentShape["leases"], "withLease"> = {
    acquire: (intentId, { duration, scope }) =>
      ask(
        { operation: "leases.acquire", intentId },
        ["IntentNotFound", "LeaseConflict"],
        leases.acquire({ params: { intentId }, payload: { scope, ...seconds(duration) } }),
        leaseOf
      ),
    renew: (intentId, leaseId, { duration } = {}) =>
      ask(
        { operation: "leases.renew", intentId, leaseId },
        ["IntentNotFound", "LeaseNotFound", "LeaseExpired"],
        leases.renew({ params: { intentId, leaseId }, payload: seconds(duration) }),
        leaseOf
      ),
    release: (intentId, leaseId) =>
      ask(
        { operation: "leases.release", intentId, leaseId },
        ["IntentNotFound", "LeaseNotFound"],
        leases.release({ params: { intentId, leaseId } }),
        ({ lease }) => leaseOf(lease)
      ),
    revoke: (intentId, leaseId, { reason } = {}) =>
      ask(
        { operation: "leases.revoke", intentId, leaseId },
        ["IntentNotFound", "LeaseNotFound"],
        leases.revoke({ params: { intentId, leaseId }, payload: given({ reason }) }),
        leaseOf
      ),
    list: (intentId, query = {}) =>
      ask(
        { operation: "leases.list", intentId },
        ["IntentNotFound"],
        leases.list({ params: { intentId }, query: given(query) }),
        (page) => pageOf(page, page.leases, leaseOf)
      )
  }
  return { ...calls, withLease: makeWithLease(calls) }
}
