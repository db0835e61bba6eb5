/** The sender against real sockets. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { createServer } from "node:net"
import { assert, describe, it, onTestFinished } from "vitest"
import { makeSender } from "../../../src/http/webhooks/sender.ts"
import { answering, listeningSink } from "./sink.ts"

const sender = makeSender({ allowPrivate: true, allowedNetworks: [] })

const sending = (url: string, timeout: Duration.Input = "5 seconds", body = '{"a":"ü"}') =>
  sender.send({ url, headers: { "X-A": "b" }, body, timeout: Duration.fromInputUnsafe(timeout) })

const send = (url: string, timeout?: Duration.Input) => Effect.runPromise(sending(url, timeout))

const failure = (url: string, timeout?: Duration.Input) =>
  Effect.runPromise(Effect.map(Effect.flip(sending(url, timeout)), (error) => error.reason))

/** A server of raw bytes. */
const raw = async (bytes: string, end: boolean): Promise<string> => {
  const server = createServer((socket) => {
    socket.on("error", () => undefined)
    socket.once("data", () => (end ? socket.end(bytes) : socket.write(bytes)))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as { readonly port: number }).port}/`
}

describe("webhook sender", () => {
  it("posts the bytes, and answers status and Retry-After", async () => {
    const sink = await listeningSink()
    sink.onRequest = answering(503, { "Retry-After": "7" })
    assert.deepStrictEqual(await send(`${sink.url}?q=1`), { status: 503, retryAfter: "7" })
    const [got] = sink.got
    assert.strictEqual(got?.body, '{"a":"ü"}')
    assert.include(got?.headers, {
      "x-a": "b",
      "content-length": "10",
      connection: "close",
      host: `127.0.0.1:${sink.port}`
    })
  })

  it("does not follow redirects", async () => {
    const sink = await listeningSink()
    for (const status of [301, 302, 303, 307, 308]) {
      sink.onRequest = answering(status, { Location: sink.url })
      assert.strictEqual((await send(sink.url)).status, status)
    }
    assert.strictEqual(sink.got.length, 5)
  })

  it("waits no longer than the timeout, and leaves no socket behind", async () => {
    const sink = await listeningSink()
    const closed = new Promise<void>((resolve) => {
      sink.onRequest = (_, response) => void response.on("close", resolve)
    })
    assert.strictEqual(await failure(sink.url, "50 millis"), "timeout")
    await closed
  })

  it("an answer counts, whatever its body: without an end, or too long", async () => {
    const sink = await listeningSink()
    sink.onRequest = (_, response) => void response.writeHead(200).write("…")
    assert.strictEqual((await send(sink.url, "100 millis")).status, 200)
    const cut = new Promise<void>((resolve) => {
      sink.onRequest = (_, response) => {
        response.on("close", resolve).writeHead(204 + 1)
        const more = () => void (response.destroyed || response.write("x".repeat(4096), () => setImmediate(more)))
        more()
      }
    })
    assert.strictEqual((await send(sink.url)).status, 205)
    await cut
  })

  it("nobody there, no HTTP, an endless head, a connection that is cut", async () => {
    const sink = await listeningSink()
    await sink.die()
    assert.strictEqual(await failure(sink.url), "unreachable")
    assert.strictEqual(await failure(await raw("220 smtp ready\r\n", false)), "unreachable")
    assert.strictEqual(await failure(await raw(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(100_000)}`, false)), "unreachable")
    assert.strictEqual(await failure(await raw("HTTP/1.1 200", true)), "unreachable")
    assert.strictEqual(
      await failure(await raw("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", false)),
      "unreachable"
    )
  })

  it("an interrupted request is taken back", async () => {
    const sink = await listeningSink()
    const closed = new Promise<void>((resolve) => {
      sink.onRequest = (_, response) => void response.on("close", resolve)
    })
    const fiber = Effect.runFork(sending(sink.url))
    await sink.until(1)
    await Effect.runPromise(Fiber.interrupt(fiber))
    await closed
  })
})
