/** http.md 10: attachments over HTTP, and the remote engine with them. */
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { connect } from "node:net"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { base64Length } from "../../src/core/base64.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import { attachmentDisposition, dispositionFilename } from "../../src/http/disposition.ts"
import { defaultHttpOptions } from "../../src/http/HttpOptions.ts"
import * as Remote from "../../src/http/remote.ts"
import { memory } from "../../src/layers/memory.ts"
import { serving, type Serving } from "./serving.ts"

const intents = "/api/v1/intents"
const mebibyte = 1024 * 1024
const note = { filename: "note.txt", content_type: "text/plain", content_base64: "aGVsbG8=" }

let server: Serving
let runtime: ManagedRuntime.ManagedRuntime<OpenIntent, never>
beforeAll(async () => {
  server = await serving()
  runtime = ManagedRuntime.make(Remote.layer({ url: server.url, apiKey: "dev-user-key" }))
})
afterAll(async () => {
  await runtime.dispose()
  await server.close()
})

const newIntent = async (of = server): Promise<string> =>
  `${intents}/${(await of.ask("POST", intents, { body: { title: "x" } })).body.id}`

const add = (intent: string, body: object, of = server) => of.ask("POST", `${intent}/attachments`, { body })

const bytesOf = async (path: string): Promise<{ readonly headers: Headers; readonly bytes: Uint8Array }> => {
  const response = await fetch(server.url + path, { headers: { "x-api-key": "dev-user-key" } })
  return { headers: response.headers, bytes: new Uint8Array(await response.arrayBuffer()) }
}

describe("attachments", () => {
  it("are shown under every name of http.md 2.7", async () => {
    const intent = await newIntent()
    const { body } = await add(intent, { ...note, size: 99, metadata: { a: 1 } })
    const { created_at, id } = body
    const url = `${intent}/attachments/${id}/content`
    assert.deepStrictEqual(body, {
      id,
      intent_id: intent.slice(intents.length + 1),
      filename: "note.txt",
      mime_type: "text/plain",
      content_type: "text/plain",
      size: 5,
      size_bytes: 5,
      storage_url: url,
      url,
      inline: true,
      description: null,
      metadata: { a: 1 },
      uploaded_by: "atlas",
      created_by: "atlas",
      created_at,
      createdAt: created_at
    })
    const { body: listed } = await server.ask("GET", `${intent}/attachments`)
    assert.deepStrictEqual(listed, { attachments: [body], total: 1, limit: 1000, offset: 0 })
    const { body: modern } = await server.ask("GET", `${intent}/attachments`, {
      headers: { "x-openintent-profile": "2" }
    })
    assert.strictEqual(modern.attachments[0].createdAt, `${created_at}Z`)
  })

  it("are downloaded as bytes that no browser runs (http.md 10.4)", async () => {
    const intent = await newIntent()
    const content = new Uint8Array(256).map((_, i) => i)
    const { body } = await add(intent, {
      filename: '../a"b\r\n% ü漢.html',
      content_type: "text/html; charset=utf-8",
      content_base64: Buffer.from(content).toString("base64")
    })
    const { bytes, headers } = await bytesOf(body.storage_url)
    assert.deepStrictEqual(bytes, content)
    assert.strictEqual(headers.get("content-type"), "text/html; charset=utf-8")
    assert.strictEqual(headers.get("content-length"), "256")
    assert.strictEqual(headers.get("x-content-type-options"), "nosniff")
    assert.strictEqual(headers.get("content-security-policy"), "default-src 'none'; sandbox")
    assert.strictEqual(
      headers.get("content-disposition"),
      `attachment; filename=".._a_b___ __.html"; filename*=UTF-8''.._a%22b__%25%20%C3%BC%E6%BC%A2.html`
    )
    const { body: odd } = await add(intent, { ...note, content_type: "text" })
    assert.strictEqual((await bytesOf(odd.url)).headers.get("content-type"), "application/octet-stream")
    const { body: empty } = await add(intent, { ...note, content_base64: "" })
    assert.strictEqual((await bytesOf(empty.url)).headers.get("content-length"), "0")
    const reference = await add(intent, { filename: "r", mime_type: "a/b", storage_url: "https://files.example.org/r" })
    const missing = await server.ask("GET", `${intent}/attachments/${reference.body.id}/content`)
    assert.strictEqual(missing.status, 404)
    assert.strictEqual(missing.body.code, "not_found")
  })

  it("semantics 44: deleted through its own intent only; the event is hidden", async () => {
    const [mine, other] = [await newIntent(), await newIntent()]
    const { body } = await add(mine, note)
    for (const of of [other, `${intents}/nope`]) {
      for (const [method, path] of [["DELETE", ""] as const, ["GET", "/content"] as const]) {
        const refused = await server.ask(method, `${of}/attachments/${body.id}${path}`)
        assert.strictEqual(refused.status, 404)
        assert.strictEqual(refused.body.code, "not_found")
      }
    }
    const removed = await server.ask("DELETE", `${mine}/attachments/${body.id}`)
    assert.deepStrictEqual([removed.status, removed.text], [204, ""])
    assert.strictEqual((await server.ask("DELETE", `${mine}/attachments/${body.id}`)).status, 404)
    const typesOf = async (query: string) =>
      (await server.ask("GET", `${mine}/events${query}`)).body.events.map((event: any) => event.event_type)
    assert.deepStrictEqual(await typesOf(""), ["attachment_added", "intent_created"])
    assert.deepStrictEqual(await typesOf("?include=all"), ["attachment_removed", "attachment_added", "intent_created"])
  })

  it("what is wrong is told by its field; a missing intent comes first", async () => {
    const intent = await newIntent()
    const fieldsOf = async (body: object) => {
      const { body: refused, status } = await add(intent, body)
      assert.strictEqual(status, 400)
      assert.strictEqual(refused.code, "validation_error")
      return refused.errors.map((error: any) => error.field)
    }
    assert.sameMembers(await fieldsOf({}), ["filename", "mime_type"])
    assert.sameMembers(await fieldsOf({ filename: "a", mime_type: "a/b\r\nx: y", content_base64: "aGVsbG8" }), [
      "mime_type",
      "content_base64"
    ])
    assert.sameMembers(await fieldsOf({ filename: "a", mime_type: "a/b" }), ["storage_url"])
    assert.sameMembers(await fieldsOf({ ...note, content_base64: 5, size: "5" }), ["content_base64", "size"])
    assert.strictEqual((await add(`${intents}/nope`, {})).status, 404)
  })
})

describe("size (http.md 1.10)", () => {
  const withContent = (bytes: number) => ({ ...note, content_base64: Buffer.alloc(bytes, 7).toString("base64") })

  it("25 MiB of content are taken here, and a body of 1 MiB nowhere else", async () => {
    const intent = await newIntent()
    const { body, status } = await add(intent, withContent(25 * mebibyte))
    assert.strictEqual(status, 200)
    assert.strictEqual(body.size, 25 * mebibyte)
    const comment = { event_type: "comment", payload: { text: "x".repeat(mebibyte) } }
    const refused = await server.ask("POST", `${intent}/events`, { body: comment })
    assert.deepStrictEqual([refused.status, refused.body.code], [413, "payload_too_large"])
  })

  it("26 MiB are refused by the announced length, before they are sent", async () => {
    const path = `${await newIntent()}/attachments`
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(server.port, "127.0.0.1")
      socket.on("data", (chunk) => {
        resolve(String(chunk))
        socket.destroy()
      })
      socket.on("error", reject)
      // Nothing of the body follows.
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: dev-user-key\r\nContent-Type: application/json\r\n` +
          `Content-Length: ${base64Length(26 * mebibyte)}\r\n\r\n{`
      )
    })
    assert.include(answer, "HTTP/1.1 413")
    assert.isBelow(defaultHttpOptions.maxAttachmentBodyBytes, base64Length(26 * mebibyte))
  })

  it("both limits are set by options: of the body, and of the content", async () => {
    await using small = await serving({ maxAttachmentBodyBytes: 2000 }, memory({ attachmentBytesMax: 100 }))
    const intent = await newIntent(small)
    assert.strictEqual((await add(intent, withContent(100), small)).status, 200)
    const content = await add(intent, withContent(101), small)
    assert.strictEqual(content.status, 413)
    assert.deepInclude(content.body.errors[0], { field: "content", value: 100 })
    assert.strictEqual((await add(intent, withContent(2000), small)).status, 413)
  })
})

describe("remote", () => {
  const run = <A, E>(use: (engine: OpenIntent["Service"]) => Effect.Effect<A, E>) =>
    runtime.runPromise(OpenIntent.use(use))
  const failing = <A, E>(use: (engine: OpenIntent["Service"]) => Effect.Effect<A, E>) =>
    run((engine) => Effect.flip(use(engine)))

  it("attachments are the same as embedded, and so are their errors", async () => {
    const { id } = await run(({ intents }) => intents.create({ title: "x" }))
    const [file, bytes] = ['a/b"c\n ü漢\u{1F600}.bin', new Uint8Array(1000).map((_, i) => i & 0xff)]
    const made = await run(({ attachments }) =>
      attachments.add(id, {
        filename: file,
        mimeType: "a/b; c=d",
        content: bytes,
        metadata: { n: 1 },
        description: "d"
      })
    )
    assert.deepInclude(made, { filename: file, size: 1000, inline: true, description: "d", uploadedBy: "local" })
    const reference = await run(({ attachments }) =>
      attachments.add(id, { filename: "r", mimeType: "a/b", storageUrl: "s3://r", size: 3 })
    )
    const page = await run(({ attachments }) => attachments.list(id))
    assert.deepStrictEqual(page.items, [made, reference])
    assert.deepStrictEqual(await run(({ attachments }) => attachments.content(id, made.id)), {
      bytes,
      mimeType: "a/b; c=d",
      filename: 'a_b"c_ ü漢\u{1F600}.bin'
    })
    assert.deepInclude(await failing(({ attachments }) => attachments.content(id, reference.id)), {
      _tag: "ContentNotStored",
      attachmentId: reference.id
    })
    await run(({ attachments }) => attachments.remove(id, reference.id))
    for (const gone of [reference.id, "nope", ""]) {
      const error = await failing(({ attachments }) => attachments.remove(id, gone))
      assert.deepInclude(error, { _tag: "AttachmentNotFound", intentId: id, attachmentId: gone })
    }
    assert.deepInclude(await failing(({ attachments }) => attachments.content("nope", made.id)), {
      _tag: "IntentNotFound"
    })
    const odd = await failing(({ attachments }) =>
      attachments.add(id, { filename: "", mimeType: "é", contentBase64: "?" })
    )
    assert.isTrue(odd._tag === "ValidationError")
    if (odd._tag === "ValidationError")
      assert.sameMembers(
        odd.issues.map(({ field }) => field),
        ["filename", "mimeType", "contentBase64"]
      )
    const both = await failing(({ attachments }) =>
      attachments.add(id, { filename: "f", mimeType: "a/b", content: bytes, contentBase64: "" })
    )
    assert.strictEqual(both._tag, "ValidationError")
  })
})

describe("Content-Disposition (RFC 6266)", () => {
  it("says any name in full, and stays one header of ASCII", () => {
    for (const name of ["a.txt", 'q"\\', "%41", "a'(b)*!.c", "ü漢\u{1F600}", " ", "a;b=c,d"]) {
      const header = attachmentDisposition(name)
      assert.match(header, /^attachment; filename="[ -~]*"; filename\*=UTF-8''[A-Za-z0-9!#$&+\-.^_`|~%]+$/)
      assert.strictEqual(dispositionFilename(header), name)
    }
    assert.isUndefined(dispositionFilename(undefined))
    assert.isUndefined(dispositionFilename("attachment"))
    assert.isUndefined(dispositionFilename("attachment; filename*=UTF-8''%ff"))
  })
})
