/** Bugs in intents and their state. */
import * as Effect from "effect/Effect"
import type { Intent, Patch } from "../../../src/core/intent/Intent.ts"
import { VersionConflict } from "../../../src/core/intent/IntentErrors.ts"
import { type PlantedBug, withMethods } from "./engines.ts"

export const intentBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "the version is checked first and the state written later",
    foundBy: ["4", "order"],
    engine: withMethods(({ intents }) => ({
      intents: {
        patchState: (intentId, input) =>
          Effect.gen(function* () {
            const { version } = yield* intents.get(intentId)
            if (version !== input.version)
              return yield* new VersionConflict({ intentId, expected: input.version, current: version })
            yield* Effect.yieldNow
            const now = yield* intents.get(intentId)
            return yield* intents.patchState(intentId, { ...input, version: now.version })
          })
      }
    }))
  },
  {
    name: "a nested set loses the siblings of its key",
    foundBy: ["7", "10", "order"],
    engine: withMethods(({ intents }) => ({
      intents: {
        patchState: (intentId, { patches, ...input }) => {
          const flat = (patch: Patch): Patch => {
            const nested = patch.op === "set" ? /^(\/[^/]+)\/([^/]+)$/.exec(patch.path) : null
            return nested === null ? patch : { op: "set", path: nested[1]!, value: { [nested[2]!]: patch.value } }
          }
          return intents.patchState(intentId, { ...input, patches: patches?.map(flat) })
        }
      }
    }))
  },
  {
    name: "a refused patch is logged",
    foundBy: ["3", "order"],
    engine: withMethods(({ events, intents }) => ({
      intents: {
        patchState: (intentId, input) =>
          Effect.tapError(intents.patchState(intentId, input), (error) =>
            error._tag === "InvalidPatch" ? Effect.ignore(events.append(intentId, { type: "comment" })) : Effect.void
          )
      }
    }))
  },
  {
    name: "creation is logged twice",
    foundBy: ["1"],
    engine: withMethods(({ events, intents }) => ({
      intents: {
        create: (input) =>
          Effect.tap(intents.create(input), ({ id }) => Effect.ignore(events.append(id, { type: "comment" })))
      }
    }))
  },
  {
    name: "a patch counts twice",
    foundBy: ["2", "31"],
    engine: withMethods(({ intents }) => {
      const shown = (intent: Intent): Intent => ({
        ...intent,
        version: intent.version < 3 ? intent.version : intent.version + 1
      })
      return {
        intents: {
          get: (intentId) => Effect.map(intents.get(intentId), shown),
          patchState: (intentId, { version, ...input }) =>
            Effect.map(intents.patchState(intentId, { ...input, version: version > 3 ? version - 1 : version }), shown)
        }
      }
    })
  },
  {
    name: "of invalid patches the valid ones are done",
    foundBy: ["8", "7"],
    engine: withMethods(({ intents }) => ({
      intents: {
        patchState: (intentId, input) =>
          intents
            .patchState(intentId, input)
            .pipe(
              Effect.catchTag("InvalidPatch", (error) =>
                intents.patchState(intentId, { ...input, patches: (input.patches ?? []).slice(0, error.index) })
              )
            )
      }
    }))
  },
  {
    name: "a key is taken for a path",
    foundBy: ["9", "11", "7"],
    engine: withMethods(({ intents }) => ({
      intents: {
        patchState: (intentId, { state, ...input }) => {
          const entries = Object.entries(state ?? {})
          if (input.patches !== undefined || entries.length === 0)
            return intents.patchState(intentId, { ...input, state })
          const patches = entries.map(([key, value]): Patch => ({ op: "set", path: `/${key}`, value }))
          return intents.patchState(intentId, { ...input, patches })
        }
      }
    }))
  },
  {
    name: "a path through __proto__ is passed over in silence",
    foundBy: ["12"],
    engine: withMethods(({ intents }) => ({
      intents: {
        patchState: (intentId, input) => {
          const patches = input.patches?.filter((patch) => !patch.path.includes("proto"))
          return intents.patchState(intentId, { ...input, patches })
        }
      }
    }))
  },
  {
    name: "the last writer is shown as the creator",
    foundBy: ["13"],
    engine: withMethods(({ events, intents }) => ({
      intents: {
        get: (intentId) =>
          Effect.gen(function* () {
            const [last] = (yield* events.list(intentId, { limit: 1 })).items
            return { ...(yield* intents.get(intentId)), createdBy: last?.actor ?? "" }
          })
      }
    }))
  },
  {
    name: "updatedAt is the time of the latest event",
    foundBy: ["14"],
    engine: withMethods(({ events, intents }) => ({
      intents: {
        get: (intentId) =>
          Effect.gen(function* () {
            const intent = yield* intents.get(intentId)
            const [last] = (yield* events.list(intentId, { limit: 1 })).items
            return { ...intent, updatedAt: last?.createdAt ?? intent.updatedAt }
          })
      }
    }))
  }
]
