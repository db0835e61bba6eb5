import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import type { AddAttachment, Attachment } from "../../src/core/attachment/Attachment.ts"
import { readAddAttachment } from "../../src/core/attachment/input.ts"
import { safeFilename, safeMediaType } from "../../src/core/attachment/names.ts"
import { type AddCommand, decideAdd, decideRemove } from "../../src/core/attachment/rules.ts"
import { base64Length, decodeBase64, decodedLength, encodeBase64, isBase64 } from "../../src/core/base64.ts"
import { counterDeltas } from "../../src/core/counters.ts"
import { aggregateOf, at, envAt, intentOf, now } from "./records.ts"

const found = aggregateOf(intentOf("i"))
const limits = { attachmentsPerIntent: 3, attachmentBytesPerIntent: 10 }

const commandOf = (file: AddCommand["file"]): AddCommand => ({
  intentId: "i",
  filename: "a.txt",
  mimeType: "text/plain",
  description: null,
  metadata: {},
  uploadedBy: "ann",
  file
})

const attachmentOf = (id: string, fields: Partial<Attachment> = {}): Attachment => ({
  id,
  intentId: "i",
  filename: "a.txt",
  mimeType: "text/plain",
  size: 5,
  storageUrl: "s3://a",
  inline: false,
  description: null,
  metadata: {},
  uploadedBy: "ann",
  createdAt: at(now),
  ...fields
})

describe("adding", () => {
  it("stores the content beside the record, under the path of its download, and tells of it (http.md 10.1)", () => {
    const facts = { found, count: 0, bytes: 0 }
    const decision = Result.getOrThrow(decideAdd(facts, commandOf({ base64: "aGVsbG8=", size: 5 }), limits, envAt()))
    const record = attachmentOf("new-1", { inline: true, storageUrl: "/api/v1/intents/i/attachments/new-1/content" })
    assert.deepStrictEqual(decision.value, record)
    assert.deepStrictEqual(decision.writes, [
      { _tag: "Put", table: "attachments", record, before: undefined },
      {
        _tag: "Put",
        table: "attachmentContents",
        record: { attachmentId: "new-1", base64: "aGVsbG8=" },
        before: undefined
      }
    ])
    const [event] = decision.events
    assert.deepInclude(event, { type: "attachment_added", actor: "ann", source: "system", intentId: "i" })
    assert.deepStrictEqual(event?.payload, {
      attachment_id: "new-1",
      filename: "a.txt",
      mime_type: "text/plain",
      size: 5
    })
    assert.deepStrictEqual(decision.guards, [{ table: "intents", key: "i", expected: 7, next: 8 }])
    assert.deepStrictEqual(
      [...counterDeltas(decision.writes)],
      [
        ["attachments/intent/i", 1],
        ["attachments/bytes/i", 5]
      ]
    )
  })

  it("keeps a reference as it is given, and no bytes count for it", () => {
    const facts = { found, count: 2, bytes: 10 }
    const command = commandOf({ storageUrl: "s3://a", size: 1e12 })
    const decision = Result.getOrThrow(decideAdd(facts, command, limits, envAt()))
    assert.deepStrictEqual(decision.value, attachmentOf("new-1", { size: 1e12 }))
    assert.deepStrictEqual([...counterDeltas(decision.writes)], [["attachments/intent/i", 1]])
  })

  it("refuses one more than an intent may have, and bytes beyond what is left", () => {
    const refused = (count: number, bytes: number, size: number) =>
      Result.match(decideAdd({ found, count, bytes }, commandOf({ base64: "", size }), limits, envAt()), {
        onSuccess: () => "added",
        onFailure: (error) => error._tag
      })
    assert.strictEqual(refused(2, 9, 1), "added")
    assert.strictEqual(refused(3, 0, 1), "ValidationError")
    assert.strictEqual(refused(2, 9, 2), "TooLarge")
    assert.strictEqual(refused(3, 9, 2), "ValidationError")
  })

  it("to no intent is refused", () => {
    const decided = decideAdd(
      { found: undefined, count: 0, bytes: 0 },
      commandOf({ base64: "", size: 0 }),
      limits,
      envAt()
    )
    assert.deepInclude(Result.merge(decided), { _tag: "IntentNotFound", intentId: "i" })
  })
})

describe("removing", () => {
  const command = { intentId: "i", attachmentId: "x", actor: "bob" }

  it("takes record and content away, and gives back what they counted", () => {
    const known = attachmentOf("x", { inline: true })
    const decision = Result.getOrThrow(decideRemove({ found, known }, command, envAt()))
    assert.deepStrictEqual(
      decision.writes.map(({ table }) => table),
      ["attachments", "attachmentContents"]
    )
    assert.deepInclude(decision.events[0], { type: "attachment_removed", actor: "bob" })
    assert.deepStrictEqual(decision.events[0]?.payload, { attachment_id: "x", filename: "a.txt" })
    assert.deepStrictEqual(decision.guards, [{ table: "intents", key: "i", expected: 7, next: 8 }])
    assert.deepStrictEqual(
      [...counterDeltas(decision.writes)],
      [
        ["attachments/intent/i", -1],
        ["attachments/bytes/i", -5]
      ]
    )
  })

  it("a reference has no content to take away", () => {
    const decision = Result.getOrThrow(decideRemove({ found, known: attachmentOf("x") }, command, envAt()))
    assert.strictEqual(decision.writes.length, 1)
  })

  it("semantics 44: through another intent it is not there", () => {
    const known = attachmentOf("x", { intentId: "other" })
    for (const facts of [
      { found, known },
      { found, known: undefined }
    ]) {
      const error = Result.merge(decideRemove(facts, command, envAt()))
      assert.deepInclude(error, { _tag: "AttachmentNotFound", intentId: "i", attachmentId: "x" })
    }
    const error = Result.merge(decideRemove({ found: undefined, known }, command, envAt()))
    assert.deepInclude(error, { _tag: "IntentNotFound" })
  })
})

describe("input", () => {
  const read = (input: object) => {
    const given: AddAttachment = { filename: "f", mimeType: "text/plain", ...input }
    return readAddAttachment("i", given, "ann", 6)
  }
  const fileOf = (input: object) => Result.getOrThrow(read(input)).file
  const faultsOf = (input: object): ReadonlyArray<string> =>
    Result.match(read(input), {
      onSuccess: () => [],
      onFailure: (error) =>
        error._tag === "TooLarge" ? [`too large: ${error.field}`] : error.issues.map((i) => i.field)
    })

  it("the size of content is what it decodes to, whatever is said (http.md 10.1)", () => {
    assert.deepStrictEqual(fileOf({ contentBase64: "aGVsbG8=", size: 99 }), { base64: "aGVsbG8=", size: 5 })
    assert.deepStrictEqual(fileOf({ contentBase64: "" }), { base64: "", size: 0 })
    assert.deepStrictEqual(fileOf({ content: new Uint8Array() }), { base64: "", size: 0 })
    const bytes = new TextEncoder().encode("-hello-").subarray(1, 6)
    assert.deepStrictEqual(fileOf({ content: bytes, storageUrl: "u" }), { base64: "aGVsbG8=", size: 5 })
  })

  it("a reference needs its place, and its size is 0 unless said", () => {
    assert.deepStrictEqual(fileOf({ storageUrl: "u" }), { storageUrl: "u", size: 0 })
    assert.deepStrictEqual(fileOf({ storageUrl: "u", size: 7 }), { storageUrl: "u", size: 7 })
    assert.deepStrictEqual(faultsOf({}), ["storageUrl"])
    assert.deepStrictEqual(faultsOf({ storageUrl: "u", size: -1 }), ["size"])
    assert.deepStrictEqual(faultsOf({ storageUrl: "u", size: 0.5 }), ["size"])
  })

  it("what is too large is told by its length, before it is looked at", () => {
    assert.deepStrictEqual(faultsOf({ contentBase64: "AAAAAAAA" }), [])
    assert.deepStrictEqual(faultsOf({ contentBase64: "%".repeat(9) }), ["too large: content"])
    assert.deepStrictEqual(faultsOf({ contentBase64: "%".repeat(8) }), ["contentBase64"])
    assert.deepStrictEqual(faultsOf({ content: new Uint8Array(6) }), [])
    assert.deepStrictEqual(faultsOf({ content: new Uint8Array(7) }), ["too large: content"])
    assert.deepStrictEqual(faultsOf({ storageUrl: "u", metadata: { a: "x".repeat(70_000) } }), ["too large: metadata"])
  })

  it("names every field at fault", () => {
    const odd = { filename: " ", mimeType: "a/b\r\nX: y", content: new Uint8Array(), contentBase64: "", metadata: [] }
    assert.sameMembers([...faultsOf(odd)], ["filename", "mimeType", "content", "metadata"])
    assert.deepStrictEqual(faultsOf({ filename: "f".repeat(256), storageUrl: "u" }), ["filename"])
    assert.deepStrictEqual(faultsOf({ mimeType: "text/plain ü", storageUrl: "u" }), ["mimeType"])
    assert.deepStrictEqual(faultsOf({ content: "aGVsbG8=" }), ["content"])
    assert.deepStrictEqual(faultsOf({ contentBase64: 5 }), ["contentBase64"])
  })
})

describe("base64", () => {
  it("is that of everybody else, both ways, for every length", () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 89 + length * 57) & 0xff)
      const text = Buffer.from(bytes).toString("base64")
      assert.strictEqual(encodeBase64(bytes), text)
      assert.isTrue(isBase64(text))
      assert.strictEqual(text.length, base64Length(length))
      assert.strictEqual(decodedLength(text), length)
      assert.deepStrictEqual(decodeBase64(text), bytes)
    }
  })

  it("is strict: alphabet, padding, no white space, no bits left over", () => {
    for (const wrong of ["%%%", "a", "ab", "abc", "ab=", "=", "====", "a===", "ab=c", "=abc", "aGVsbG8", "aGVsbG8=\n"])
      assert.isFalse(isBase64(wrong), wrong)
    for (const wrong of ["aGVs bG8", "aGVs\nbG8=", "_-_-", "aGV\u0141", "aGV\u0000", "ab==ab==", "QR==", "QUJ="])
      assert.isFalse(isBase64(wrong), wrong)
    for (const right of ["", "QQ==", "QUI=", "QUJD", "+/+/"]) assert.isTrue(isBase64(right), right)
  })
})

describe("names", () => {
  it("media types go into a header as they are, or not at all", () => {
    for (const type of ["text/plain", "text/plain; charset=utf-8", 'a/b; c="d; e"', "image/svg+xml", "x-a/b.c-d"])
      assert.strictEqual(safeMediaType(type), type)
    for (const type of ["text", "text/", "/plain", "a/b c", "a/b;", 'a/b; c="', "a/b, c/d", "a/b\r\nx: y", ""])
      assert.strictEqual(safeMediaType(type), "application/octet-stream")
    assert.strictEqual(safeMediaType(`a/b${"; c=d".repeat(50)} `), "application/octet-stream")
  })

  it("a file is saved where its reader is, not where its name leads", () => {
    assert.strictEqual(safeFilename("../../etc/passwd"), ".._.._etc_passwd")
    assert.strictEqual(safeFilename("C:\\a\r\nb\u0085\u2028"), "C:_a__b__")
    assert.strictEqual(safeFilename(".."), "__")
    assert.strictEqual(safeFilename('r\u00e9sum\u00e9 \u6f22 "1".pdf'), 'r\u00e9sum\u00e9 \u6f22 "1".pdf')
  })
})
