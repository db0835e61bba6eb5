/** `attachments` of the embedded engine. */
import * as Effect from "effect/Effect"
import { decodeBase64 } from "../base64.ts"
import type { CommandsShape } from "../Commands.ts"
import { attachmentBytesCounter, attachmentCounter } from "../counters.ts"
import { CurrentAgent } from "../CurrentAgent.ts"
import type { EngineOptions } from "../EngineOptions.ts"
import type { Attachments } from "../OpenIntent.ts"
import { readPage, readPageOptions } from "../paging.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { Checks, whenValid } from "../validate.ts"
import { AttachmentNotFound, ContentNotStored } from "./AttachmentErrors.ts"
import { readAddAttachment } from "./input.ts"
import { safeFilename, safeMediaType } from "./names.ts"
import type { AddFacts, RemoveFacts } from "./rules.ts"
import { decideAdd, decideRemove } from "./rules.ts"

/** The intent first: an attachment that is added after it moves it on, so its guard does not hold. */
const gatherAdd =
  (intentId: string) =>
  (storage: StorageShape): Effect.Effect<AddFacts, StorageError> =>
    Effect.zipWith(
      storage.load(intentId),
      storage.counters([attachmentCounter(intentId), attachmentBytesCounter(intentId)]),
      ({ aggregate }, [count = 0, bytes = 0]) => ({ found: aggregate, count, bytes })
    )

const gatherRemove =
  (intentId: string, attachmentId: string) =>
  (storage: StorageShape): Effect.Effect<RemoveFacts, StorageError> =>
    Effect.zipWith(storage.load(intentId), storage.get("attachments", [attachmentId]), ({ aggregate }, [known]) => ({
      found: aggregate,
      known
    }))

export const makeAttachments = (
  storage: StorageShape,
  { executeWide, mustExist }: CommandsShape,
  options: EngineOptions
): Attachments => ({
  add: (intentId, input) =>
    Effect.flatMap(CurrentAgent, (agent) =>
      // Suspended, because it may have many megabytes to look at.
      Effect.suspend(() =>
        whenValid(readAddAttachment(intentId, input, agent, options.attachmentBytesMax), (command) =>
          executeWide({
            intentId,
            gather: gatherAdd(intentId),
            decide: (facts, env) => decideAdd(facts, command, options, env)
          })
        )
      )
    ),
  list: Effect.fnUntraced(function* (intentId, query = {}) {
    const page = yield* Effect.fromResult(readPageOptions(query))
    yield* mustExist(intentId)
    const total = Effect.map(storage.counters([attachmentCounter(intentId)]), ([count = 0]) => count)
    const listing = { table: "attachments", index: "byIntent", keys: [[intentId]], direction: "asc" } as const
    return yield* told(readPage(storage, listing, page, total))
  }),
  remove: (intentId, attachmentId) =>
    Effect.flatMap(CurrentAgent, (agent) => {
      const checks = new Checks()
      return whenValid(checks.finish(checks.readAgent("agent", agent)), (actor) =>
        executeWide({
          intentId,
          gather: gatherRemove(intentId, attachmentId),
          decide: (facts, env) => decideRemove(facts, { intentId, attachmentId, actor }, env)
        })
      )
    }),
  content: Effect.fnUntraced(function* (intentId, attachmentId) {
    yield* mustExist(intentId)
    const [attachment] = yield* told(storage.get("attachments", [attachmentId]))
    if (attachment?.intentId !== intentId) return yield* new AttachmentNotFound({ intentId, attachmentId })
    if (!attachment.inline) return yield* new ContentNotStored({ intentId, attachmentId })
    const [content] = yield* told(storage.get("attachmentContents", [attachmentId]))
    // Removed since the line above.
    if (content === undefined) return yield* new AttachmentNotFound({ intentId, attachmentId })
    return {
      bytes: decodeBase64(content.base64),
      mimeType: safeMediaType(attachment.mimeType),
      filename: safeFilename(attachment.filename)
    }
  })
})
