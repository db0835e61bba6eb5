/** Bugs in arbitration and attachments. */
import * as Effect from "effect/Effect"
import { type PlantedBug, withMethods, writingOtherwise } from "./engines.ts"

export const recordBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "an arbitration is not told that it is resolved",
    foundBy: ["42"],
    engine: writingOtherwise((write) =>
      write.table === "arbitrations" && write._tag === "Put" && write.before !== undefined
        ? [{ ...write, record: write.before }]
        : [write]
    )
  },
  {
    name: "a download ends early",
    foundBy: ["43"],
    engine: withMethods(({ attachments }) => ({
      attachments: {
        content: (intentId, attachmentId) =>
          Effect.map(attachments.content(intentId, attachmentId), (found) => ({
            ...found,
            bytes: found.bytes.slice(0, 16)
          }))
      }
    }))
  },
  {
    name: "an attachment has the size that its client claims",
    foundBy: ["43"],
    engine: withMethods(({ attachments }) => {
      const claims = new Map<string, number>()
      return {
        attachments: {
          add: (intentId, input) =>
            Effect.tap(attachments.add(intentId, input), ({ id }) =>
              Effect.sync(() => void (input.size === undefined || claims.set(id, input.size)))
            ),
          list: (intentId, query) =>
            Effect.map(attachments.list(intentId, query), (page) => ({
              ...page,
              items: page.items.map((one) => ({ ...one, size: claims.get(one.id) ?? one.size }))
            }))
        }
      }
    })
  },
  {
    name: "an attachment is removed through any intent",
    foundBy: ["44"],
    engine: withMethods(({ attachments }) => {
      const owners = new Map<string, string>()
      return {
        attachments: {
          add: (intentId, input) =>
            Effect.tap(attachments.add(intentId, input), ({ id }) => Effect.sync(() => owners.set(id, intentId))),
          remove: (intentId, id) => attachments.remove(owners.get(id) ?? intentId, id)
        }
      }
    })
  }
]
