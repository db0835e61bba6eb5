/** `leases` of the embedded engine: reads the input and names the rule. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { CommandsShape } from "../Commands.ts"
import { CurrentAgent } from "../CurrentAgent.ts"
import type { EngineOptions } from "../EngineOptions.ts"
import { leaseRefused } from "../metrics.ts"
import type { Page } from "../Page.ts"
import type { Leases } from "../OpenIntent.ts"
import { countMatches, countRange, readPage, readPageRequest } from "../paging.ts"
import type { Listing } from "../paging.ts"
import type { StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { Checks, limits, whenValid } from "../validate.ts"
import type { Lease, LeaseStatus, ListLeases } from "./Lease.ts"
import { asOf } from "./Lease.ts"
import { decideAcquire, decideEnd, decideRenew } from "./rules.ts"
import { makeWithLease } from "./withLease.ts"

const leaseStatuses: ReadonlyArray<LeaseStatus> = ["active", "released", "expired", "revoked"]

/** Stored statuses among which leases of a status are: what has expired may still be stored as active. */
const storedAs = (status: LeaseStatus): ReadonlyArray<LeaseStatus> =>
  status === "expired" ? ["active", "expired"] : [status]

const readList = (query: ListLeases) => {
  const checks = new Checks()
  const { status = "active" } = query
  if (status !== "all" && !leaseStatuses.includes(status))
    checks.add("status", `must be all or one of ${leaseStatuses.join(", ")}`, status)
  return checks.finish({ status, page: readPageRequest(checks, query, limits.pageSize) })
}

export const makeLeases = (
  storage: StorageShape,
  { execute, mustExist }: CommandsShape,
  { leaseScopeMatching: matching }: EngineOptions
): Leases => {
  /** A lease that is over, if it is that and of this intent: it never changes again, so no guard is needed. */
  const readEnded = (leaseId: string) => Effect.map(told(storage.get("leases", [leaseId])), ([lease]) => lease)

  const list = Effect.fnUntraced(function* (
    intentId: string,
    query: ListLeases = {}
  ): Effect.fn.Return<Page<Lease>, Effect.Error<ReturnType<Leases["list"]>>> {
    const { page, status } = yield* Effect.fromResult(readList(query))
    yield* mustExist(intentId)
    const now = yield* storage.now
    const listing: Listing<"leases"> =
      status === "all"
        ? { table: "leases", index: "byStatus", keys: [[intentId]], direction: "asc" }
        : {
            table: "leases",
            index: "byStatus",
            keys: storedAs(status).map((stored) => [intentId, stored]),
            direction: "asc",
            // What has ended for good is stored so.
            ...(status === "active" || status === "expired"
              ? { matches: (lease: Lease) => asOf(lease, now).status === status }
              : undefined)
          }
    const found = yield* told(
      readPage(
        storage,
        listing,
        page,
        listing.matches === undefined ? countRange(storage, listing) : countMatches(storage, listing)
      )
    )
    return { ...found, items: found.items.map((lease) => asOf(lease, now)) }
  })

  const acquire: Leases["acquire"] = (intentId, input) =>
    Effect.flatMap(CurrentAgent, (agent) => {
      const checks = new Checks()
      const read = checks.finish({
        intentId,
        agentId: checks.readAgent("agent", agent),
        scope: checks.readText("scope", input.scope, 1, limits.scopeLength),
        duration: checks.readLeaseDuration("duration", input.duration),
        matching
      })
      return whenValid(read, (command) =>
        Effect.tapErrorTag(
          execute({ intentId, decide: (found, env) => decideAcquire(found, command, env) }),
          "LeaseConflict",
          () => Metric.update(leaseRefused, 1)
        )
      )
    })

  const renew: Leases["renew"] = Effect.fnUntraced(function* (intentId, leaseId, input = {}) {
    const checks = new Checks()
    const command = yield* Effect.fromResult(
      checks.finish({
        intentId,
        leaseId,
        agentId: checks.readAgent("agent", yield* CurrentAgent),
        duration: checks.readLeaseDuration("duration", input.duration)
      })
    )
    const renewing = (ended: Lease | undefined) =>
      execute({ intentId, decide: (found, env) => decideRenew(found, command, ended, env) })
    // Most are active, and so with the intent; only a refusal has to look for one that is over.
    return yield* Effect.catchTag(renewing(undefined), "LeaseNotFound", () =>
      Effect.flatMap(readEnded(leaseId), renewing)
    )
  })

  const end = Effect.fnUntraced(function* (
    intentId: string,
    leaseId: string,
    as: "released" | "revoked",
    note: string | undefined
  ) {
    const checks = new Checks()
    const agentId = checks.readAgent("agent", yield* CurrentAgent)
    const command = yield* Effect.fromResult(
      checks.finish({
        intentId,
        leaseId,
        as,
        agentId,
        note: checks.readOptionalText("reason", note, limits.noteLength)
      })
    )
    const ending = (ended: Lease | undefined) =>
      execute({ intentId, decide: (found, env) => decideEnd(found, command, ended, env) })
    return yield* Effect.catchTag(ending(undefined), "LeaseNotFound", () => Effect.flatMap(readEnded(leaseId), ending))
  })

  const release: Leases["release"] = (intentId, leaseId) => end(intentId, leaseId, "released", undefined)

  return {
    acquire,
    renew,
    release,
    revoke: (intentId, leaseId, { reason } = {}) => end(intentId, leaseId, "revoked", reason),
    list,
    withLease: makeWithLease({ acquire, renew, release })
  }
}
