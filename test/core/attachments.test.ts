import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { AddAttachment } from "../../src/core/attachment/Attachment.ts"
import { attachmentBytesCounter, attachmentCounter } from "../../src/core/counters.ts"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import type { StorageShape } from "../../src/core/Storage.ts"
import { engineOn, interleaved } from "./engines.ts"
import { storages } from "./storages.ts"

const note: AddAttachment = { filename: "note.txt", mimeType: "text/plain", contentBase64: "aGVsbG8=" }
const reference: AddAttachment = { filename: "r.pdf", mimeType: "application/pdf", storageUrl: "s3://r", size: 9 }

const newIntent = ({ intents }: OpenIntentShape) => Effect.map(intents.create({ title: "t" }), ({ id }) => id)

/** Everything that was read of the contents. */
const watchingContents = (storage: StorageShape) => {
  const read: Array<string> = []
  const watched: StorageShape = {
    ...storage,
    get: (table, keys) => {
      if (table === "attachmentContents") read.push(...keys)
      return storage.get(table, keys)
    },
    page: (query) => {
      if (query.table === "attachmentContents") read.push("page")
      return storage.page(query)
    }
  }
  return { watched, read }
}

for (const [name, empty] of storages) {
  describe(`attachments on ${name}`, () => {
    it.effect("are added, listed oldest first, downloaded and removed", () =>
      Effect.gen(function* () {
        const storage = yield* empty
        const { read, watched } = watchingContents(storage)
        const engine = yield* engineOn(watched)
        const { attachments, events } = engine
        const intentId = yield* newIntent(engine)
        const bytes = Uint8Array.from({ length: 300 }, (_, i) => i & 0xff)
        const metadata = JSON.parse('{"pages":3,"__proto__":{"a":1}}')
        const first = yield* OpenIntent.as("ann")(
          attachments.add(intentId, {
            filename: "a/ü.bin",
            mimeType: "no type",
            content: bytes,
            description: "d",
            metadata
          })
        )
        assert.deepInclude(first, { filename: "a/ü.bin", size: 300, inline: true, description: "d", uploadedBy: "ann" })
        assert.strictEqual(JSON.stringify(first.metadata), JSON.stringify(metadata))
        const second = yield* attachments.add(intentId, reference)
        const third = yield* attachments.add(intentId, { ...note, contentBase64: "" })
        const page = yield* attachments.list(intentId, { limit: 2 })
        assert.deepStrictEqual(page.items, [first, second])
        assert.strictEqual(page.total, 3)
        assert.deepStrictEqual((yield* attachments.list(intentId, { after: page.next })).items, [third])
        assert.deepStrictEqual(read, [])
        assert.deepStrictEqual(yield* attachments.content(intentId, first.id), {
          bytes,
          mimeType: "application/octet-stream",
          filename: "a_ü.bin"
        })
        assert.strictEqual((yield* attachments.content(intentId, third.id)).bytes.length, 0)
        const nothing = yield* Effect.flip(attachments.content(intentId, second.id))
        assert.deepInclude(nothing, { _tag: "ContentNotStored", intentId, attachmentId: second.id })
        read.length = 0
        yield* attachments.remove(intentId, first.id)
        assert.deepStrictEqual(read, [])
        assert.deepStrictEqual(yield* storage.get("attachmentContents", [first.id]), [undefined])
        for (const gone of [attachments.content, attachments.remove]) {
          assert.strictEqual((yield* Effect.flip(gone(intentId, first.id)))._tag, "AttachmentNotFound")
        }
        const log = (yield* events.list(intentId, { order: "asc", visibility: "all" })).items.map(({ type }) => type)
        const added = "attachment_added"
        assert.deepStrictEqual(log, ["intent_created", added, added, added, "attachment_removed"])
        assert.notInclude(
          (yield* events.list(intentId)).items.map(({ type }) => type),
          "attachment_removed"
        )
        assert.strictEqual((yield* engine.intents.get(intentId)).version, 1)
      })
    )

    it.effect("semantics 43, 44: one of another intent is not found, and nothing is deleted", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* empty)
        const { attachments } = engine
        const [mine, other] = [yield* newIntent(engine), yield* newIntent(engine)]
        const { id } = yield* attachments.add(mine, note)
        for (const use of [attachments.content, attachments.remove]) {
          const error = yield* Effect.flip(use(other, id))
          assert.deepInclude(error, { _tag: "AttachmentNotFound", intentId: other, attachmentId: id })
          assert.deepInclude(yield* Effect.flip(use("nope", id)), { _tag: "IntentNotFound", intentId: "nope" })
        }
        assert.strictEqual((yield* attachments.content(mine, id)).bytes.length, 5)
        assert.strictEqual((yield* Effect.flip(attachments.add("nope", note)))._tag, "IntentNotFound")
        assert.strictEqual((yield* Effect.flip(attachments.list("nope")))._tag, "IntentNotFound")
      })
    )

    it.effect("the limits of an intent hold when many add at the same time, and what is removed counts no more", () =>
      Effect.gen(function* () {
        const storage = yield* empty
        // Two engines, so that no queue of one process stands between them.
        const options = { attachmentsPerIntent: 5, attachmentBytesPerIntent: 15 }
        const engines = yield* Effect.all([
          engineOn(interleaved(storage), options),
          engineOn(interleaved(storage), options)
        ])
        const intentId = yield* newIntent(engines[0])
        const attempts = (input: AddAttachment, times: number) =>
          Effect.forEach(
            Array.from({ length: times }, (_, i) => engines[i % 2]!),
            ({ attachments }) => Effect.result(attachments.add(intentId, input)),
            { concurrency: "unbounded" }
          )
        const inline = yield* attempts(note, 8)
        const stored = inline.filter(Result.isSuccess)
        assert.strictEqual(stored.length, 3)
        assert.deepStrictEqual(
          inline.filter(Result.isFailure).map(({ failure }) => failure._tag),
          Array.from({ length: 5 }, () => "TooLarge")
        )
        const references = yield* attempts(reference, 6)
        assert.strictEqual(references.filter(Result.isSuccess).length, 2)
        const keys = [attachmentCounter(intentId), attachmentBytesCounter(intentId)]
        assert.deepStrictEqual(yield* storage.counters(keys), [5, 15])
        const { attachments } = engines[0]
        assert.strictEqual((yield* attachments.list(intentId)).total, 5)
        yield* attachments.remove(intentId, stored[0]!.success.id)
        assert.deepStrictEqual(yield* storage.counters(keys), [4, 10])
        yield* attachments.add(intentId, note)
      })
    )

    it.effect("of two who remove it, one does", () =>
      Effect.gen(function* () {
        const storage = yield* empty
        const engines = yield* Effect.all([engineOn(interleaved(storage)), engineOn(interleaved(storage))])
        const intentId = yield* newIntent(engines[0])
        const { id } = yield* engines[0].attachments.add(intentId, note)
        const ends = yield* Effect.forEach(
          engines,
          ({ attachments }) => Effect.result(attachments.remove(intentId, id)),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(ends.filter(Result.isSuccess).length, 1)
        const lost = ends.find(Result.isFailure)
        assert.strictEqual(lost?.failure._tag, "AttachmentNotFound")
        assert.deepStrictEqual(yield* storage.counters([attachmentCounter(intentId)]), [0])
      })
    )

    it.effect("nobody acts as system", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* empty)
        const { attachments } = engine
        const intentId = yield* newIntent(engine)
        const { id } = yield* attachments.add(intentId, note)
        const asSystem = OpenIntent.as("system")
        assert.strictEqual((yield* Effect.flip(asSystem(attachments.add(intentId, note))))._tag, "ValidationError")
        assert.strictEqual((yield* Effect.flip(asSystem(attachments.remove(intentId, id))))._tag, "ValidationError")
      })
    )
  })
}
