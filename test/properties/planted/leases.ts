/** Bugs in leases. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Lease } from "../../../src/core/lease/Lease.ts"
import { LeaseConflict } from "../../../src/core/lease/LeaseErrors.ts"
import { mapItems, overStorage, type PlantedBug, withMethods } from "./engines.ts"

export const leaseBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "two agents get the same scope: the active leases are read first and the grant is written later",
    foundBy: ["38", "34"],
    engine: withMethods(({ leases }) => {
      let grants = 0
      // Each grant is stored under a name of its own, so that nothing below stops it.
      const stored = (scope: string) => `${scope}\u2063${++grants}`
      const shown = (lease: Lease): Lease => ({ ...lease, scope: lease.scope.split("\u2063")[0]! })
      return {
        leases: {
          acquire: (intentId, input) =>
            Effect.gen(function* () {
              const held = (yield* leases.list(intentId)).items.map(shown)
              if (held.some((lease) => lease.scope === input.scope || lease.scope === "*" || input.scope === "*")) {
                const existing = held.find((lease) => lease.scope === input.scope)
                return yield* leases.acquire(intentId, { ...input, scope: existing === undefined ? "*" : input.scope })
              }
              yield* Effect.yieldNow
              return shown(yield* leases.acquire(intentId, { ...input, scope: stored(input.scope) }))
            }),
          list: (intentId, query) => Effect.map(leases.list(intentId, query), mapItems(shown)),
          renew: (...args) => Effect.map(leases.renew(...args), shown),
          release: (...args) => Effect.map(leases.release(...args), shown),
          revoke: (...args) => Effect.map(leases.revoke(...args), shown)
        }
      }
    })
  },
  {
    name: "an expired lease is renewed",
    foundBy: ["35", "36"],
    engine: withMethods(({ leases }, storage) => ({
      leases: {
        renew: (intentId, leaseId, input) =>
          leases.renew(intentId, leaseId, input).pipe(
            Effect.catchTag("LeaseExpired", (error) =>
              Effect.gen(function* () {
                const [lease] = yield* storage.get("leases", [leaseId])
                const [revision = 0] = yield* storage.revisions("intents", [intentId])
                if (lease === undefined) return yield* error
                const now = yield* storage.now
                const renewed: Lease = {
                  ...lease,
                  status: "active",
                  expiresAt: DateTime.addDuration(now, Duration.fromInputUnsafe(input?.duration ?? Duration.minutes(5)))
                }
                yield* storage.commit({
                  guards: [{ table: "intents", key: intentId, expected: revision, next: revision + 1 }],
                  writes: [{ _tag: "Put", table: "leases", record: renewed, before: lease }],
                  events: [],
                  counters: new Map()
                })
                return renewed
              }).pipe(Effect.catchTag(["StorageError", "StaleRevision"], () => Effect.fail(error)))
            )
          )
      }
    }))
  },
  {
    name: "a lease on * is a scope like any other",
    foundBy: ["34", "38", "order"],
    engine: withMethods(({ leases }) => {
      const shown = (lease: Lease): Lease => (lease.scope === "(all)" ? { ...lease, scope: "*" } : lease)
      return {
        leases: {
          acquire: (intentId, { scope, ...input }) =>
            Effect.map(leases.acquire(intentId, { ...input, scope: scope === "*" ? "(all)" : scope }), shown),
          list: (...args) => Effect.map(leases.list(...args), mapItems(shown)),
          renew: (...args) => Effect.map(leases.renew(...args), shown),
          release: (...args) => Effect.map(leases.release(...args), shown),
          revoke: (...args) => Effect.map(leases.revoke(...args), shown)
        }
      }
    })
  },
  {
    name: "leases of one agent share a fencing token",
    foundBy: ["fencing"],
    engine: withMethods(({ leases }) => {
      const shown = (lease: Lease): Lease => ({ ...lease, fencingToken: lease.agentId.charCodeAt(0) })
      return {
        leases: {
          acquire: (...args) => Effect.map(leases.acquire(...args), shown),
          list: (...args) => Effect.map(leases.list(...args), mapItems(shown)),
          renew: (...args) => Effect.map(leases.renew(...args), shown),
          release: (...args) => Effect.map(leases.release(...args), shown),
          revoke: (...args) => Effect.map(leases.revoke(...args), shown)
        }
      }
    })
  },
  {
    name: "leases that are over are not swept",
    foundBy: ["39"],
    engine: overStorage((storage) => ({
      page: (query) => (query.index === "due" ? Effect.succeed([]) : storage.page(query))
    }))
  },
  {
    name: "a scope that was released stays taken",
    foundBy: ["37", "38"],
    engine: withMethods(({ leases }) => ({
      leases: {
        acquire: (intentId, input) =>
          Effect.gen(function* () {
            const ended = (yield* leases.list(intentId, { status: "released" })).items
            const existing = ended.find((lease) => lease.scope === input.scope)
            return yield* existing === undefined ? leases.acquire(intentId, input) : new LeaseConflict({ existing })
          })
      }
    }))
  },
  {
    name: "patches do not heed leases",
    foundBy: ["40", "order"],
    engine: withMethods(() => ({}), { enforceLeases: false })
  }
]
