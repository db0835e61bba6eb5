/** Clients that are slow, silent, endless or many: the server stays up, answers others, says what is wrong, and gets over it. */
import { readdirSync, readFileSync } from "node:fs"
import type { AddressInfo, Socket } from "node:net"
import { connect } from "node:net"
import { setTimeout } from "node:timers/promises"
import { assert, describe, it, onTestFinished } from "vitest"
import { type ConnectionOptions, makeServer } from "../../src/layers/connections.ts"
import { startServer, type StartServerOptions } from "../../src/layers/server.ts"
import { openintent, started } from "../layers/processes.ts"

const key = "dev-user-key"
const intents = "/api/v1/intents"

/** A connection that keeps all that it was sent. */
interface Client {
  readonly socket: Socket
  readonly received: () => string
  readonly closed: Promise<void>
}

const client = (url: string): Client => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let received = ""
  socket.setEncoding("latin1").on("data", (chunk: string) => (received += chunk))
  socket.on("error", () => undefined) // That it was cut is seen from `closed`.
  onTestFinished(() => void socket.destroy())
  return { socket, received: () => received, closed: new Promise((resolve) => socket.on("close", () => resolve())) }
}

const head = (method: string, path: string, ...lines: ReadonlyArray<string>) =>
  [`${method} ${path} HTTP/1.1`, "Host: localhost", `X-API-Key: ${key}`, ...lines, "", ""].join("\r\n")

const jsonHead = (...lines: ReadonlyArray<string>) => head("POST", intents, "Content-Type: application/json", ...lines)

/** Sends a text piece by piece until it is whole or the connection is closed. */
const trickle = async ({ socket }: Client, text: string, bytes: number, millis: number) => {
  for (let at = 0; at < text.length && socket.writable; at += bytes) {
    socket.write(text.slice(at, at + bytes))
    await setTimeout(millis)
  }
}

interface Said {
  readonly status: number
  readonly head: string
  readonly code: unknown
}

const said = (text: string): Said => {
  const [lines = "", body = ""] = text.split("\r\n\r\n")
  assert.match(lines, /^HTTP\/1\.1 \d{3} /, "an answer")
  assert.match(lines, /content-type: application\/json/i)
  assert.match(lines, /x-request-id: \S+/i)
  const parsed = JSON.parse(body) as { readonly code: string; readonly message: string; readonly detail: string }
  assert.strictEqual(parsed.detail, parsed.message)
  return { status: Number(lines.slice(9, 12)), head: lines, code: parsed.code }
}

/**
 * What takes seconds or minutes takes parts of a second here. What a test is not about keeps its time: clients and server
 * share a process, and an honest client may be late when that is busy.
 */
const quick: Partial<ConnectionOptions> = { bodyGrace: "400 millis", checkInterval: "20 millis" }

const start = async (
  connections: Partial<ConnectionOptions> = {},
  options: Omit<StartServerOptions, "storage" | "connections"> = {}
) => {
  const server = await startServer({
    storage: "memory:",
    port: 0,
    ...options,
    connections: { ...quick, ...connections }
  })
  onTestFinished(server.close)
  return server.url
}

const assertAnswers = async (url: string) => {
  const answer = await fetch(url + intents, {
    method: "POST",
    headers: { "x-api-key": key, "content-type": "application/json" },
    body: '{"title":"x"}'
  })
  assert.strictEqual(answer.status, 200)
  await answer.arrayBuffer()
}

/** Until it holds; the time limit of the test is the limit. */
const until = async (holds: () => boolean | Promise<boolean>) => {
  while (!(await holds())) await setTimeout(10)
}

describe("a client that is slow", () => {
  it("with the head of its request is told 408, and others are answered meanwhile", async () => {
    const url = await start({ headersTimeout: "500 millis" })
    const slow = client(url)
    const sending = trickle(slow, head("GET", intents), 1, 20)
    await assertAnswers(url)
    await slow.closed
    const { code, status } = said(slow.received())
    assert.deepStrictEqual({ code, status }, { code: "request_timeout", status: 408 })
    await sending
    await assertAnswers(url)
  })

  for (const [what, lines] of [
    ["a known length", ["Content-Length: 1000"]],
    ["chunks", ["Transfer-Encoding: chunked"]],
    ["a key for one effect", ["Content-Length: 1000", "Idempotency-Key: k1"]]
  ] as const) {
    it(`with a body of ${what} is told 408, under the id of its request`, async () => {
      const url = await start()
      const slow = client(url)
      slow.socket.write(jsonHead(...lines, "X-Request-ID: slow-1"))
      const sending = trickle(slow, what === "chunks" ? "1\r\n \r\n".repeat(500) : " ".repeat(1000), 1, 10)
      await assertAnswers(url)
      await slow.closed
      const { code, head: answered, status } = said(slow.received())
      assert.deepStrictEqual({ code, status }, { code: "request_timeout", status: 408 })
      assert.match(answered, /x-request-id: slow-1\r?$/im)
      await sending
    })
  }

  it("but not too slow is waited for", async () => {
    const url = await start({ bodyGrace: "100 millis", minBodyRate: 1000 })
    const honest = client(url)
    const body = JSON.stringify({ title: "x", description: "y".repeat(6000) })
    honest.socket.write(jsonHead(`Content-Length: ${body.length}`))
    await trickle(honest, body, 200, 20)
    await until(() => honest.received().includes("\r\n\r\n"))
    assert.match(honest.received(), /^HTTP\/1\.1 200 /)
  })

  it("and asks whether to send its body at all is told to go on", async () => {
    const url = await start()
    const careful = client(url)
    careful.socket.write(jsonHead("Content-Length: 13", "Expect: 100-continue"))
    await until(() => careful.received().includes("100 Continue"))
    careful.socket.write('{"title":"x"}')
    await until(() => careful.received().includes('"title":"x"'))
  })

  it("with a stream that is quiet is left alone", async () => {
    const url = await start({
      headersTimeout: "400 millis",
      answerTimeout: "400 millis",
      keepAliveTimeout: "400 millis"
    })
    const { id } = (await (
      await fetch(url + intents, {
        method: "POST",
        headers: { "x-api-key": key, "content-type": "application/json" },
        body: '{"title":"x"}'
      })
    ).json()) as { readonly id: string }
    const quiet = client(url)
    quiet.socket.write(head("GET", `${intents}/${id}/subscribe`))
    await until(() => quiet.received().includes("event:"))
    await setTimeout(900) // More than each of the times above.
    await fetch(`${url}${intents}/${id}/events`, {
      method: "POST",
      headers: { "x-api-key": key, "content-type": "application/json" },
      body: '{"event_type":"comment"}'
    })
    await until(() => quiet.received().includes("comment"))
  })
})

describe("a body", () => {
  it("that announces more than comes is given up with 408", async () => {
    const url = await start()
    const false_ = client(url)
    false_.socket.write(`${jsonHead("Content-Length: 100")}{"title":"x"}`)
    await false_.closed
    assert.strictEqual(said(false_.received()).code, "request_timeout")
    await assertAnswers(url)
  })

  it("that announces less than comes ends there: what follows is no request", async () => {
    const url = await start()
    const false_ = client(url)
    false_.socket.write(`${jsonHead("Content-Length: 13")}{"title":"x"}and more of it\r\n\r\n`)
    await false_.closed
    assert.match(false_.received(), /^HTTP\/1\.1 200 /)
    assert.strictEqual(said(false_.received().slice(false_.received().lastIndexOf("HTTP/1.1"))).code, "bad_request")
  })

  it("in broken chunks is told 400 at once", async () => {
    const url = await start({ bodyGrace: "1 minute" })
    const broken = client(url)
    broken.socket.write(`${jsonHead("Transfer-Encoding: chunked")}zz\r\n{}\r\n`)
    await broken.closed
    assert.strictEqual(said(broken.received()).code, "bad_request")
    await assertAnswers(url)
  })

  it("that nobody waits for does not hold the connection", async () => {
    const url = await start()
    const unknown = client(url)
    unknown.socket.write(
      `POST ${intents} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n`
    )
    const sending = trickle(unknown, " ".repeat(1000), 1, 10)
    await unknown.closed
    assert.strictEqual(said(unknown.received()).status, 401)
    await sending
  })

  it("that never ends is refused with 413 and read no further, however many there are", async () => {
    const url = await start({}, { maxBodyBytes: 10_000 })
    const chunk = `10000\r\n${" ".repeat(0x10000)}\r\n`
    const endless = Array.from({ length: 20 }, () => {
      const one = client(url)
      const pump = () => {
        while (one.socket.writable && one.socket.write(chunk)) if (one.socket.destroyed) return
        if (one.socket.writable) one.socket.once("drain", pump)
      }
      one.socket.write(jsonHead("Transfer-Encoding: chunked"), pump)
      return one
    })
    await assertAnswers(url)
    await Promise.all(endless.map(({ closed }) => closed))
    // The first words may be lost with a connection that is closed while much is under way to it.
    const answers = endless.map(({ received }) => received()).filter((text) => text !== "")
    assert.isAbove(answers.length, 0)
    for (const text of answers) assert.strictEqual(said(text).code, "payload_too_large")
    await assertAnswers(url)
  })
})

describe("answers that nobody reads", () => {
  it("end the connection, also of a client that asks for ever more of them", async () => {
    const { server } = makeServer({ ...quick, answerTimeout: "300 millis" })
    server.on("request", (_request, response) => response.end(Buffer.alloc(8_000_000)))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    onTestFinished(() => server.close().closeAllConnections())
    const { port } = server.address() as AddressInfo
    const open = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)))
    for (const requests of [1, 50]) {
      const { socket } = client(`http://127.0.0.1:${port}`)
      socket.pause()
      socket.write(head("GET", "/").repeat(requests))
      await until(async () => (await open()) === 1)
      await until(async () => (await open()) === 0)
      socket.destroy()
    }
  })

  it("are not made without end for one who sends thousands of requests at once", async () => {
    const url = await start()
    const greedy = client(url)
    greedy.socket.pause()
    greedy.socket.write(head("GET", intents).repeat(10_000))
    await assertAnswers(url)
    greedy.socket.resume()
    await greedy.closed
    assert.isBelow(greedy.received().split("HTTP/1.1 200 ").length, 1000)
    await assertAnswers(url)
  })
})

describe("many connections", () => {
  it("that are idle make room for others", async () => {
    const url = await start({ maxConnections: 50, headersTimeout: "10 seconds" })
    const idle = Array.from({ length: 200 }, () => client(url))
    let gone = 0
    for (const { closed } of idle) void closed.then(() => gone++)
    await until(() => gone >= 150)
    for (let i = 0; i < 20; i++) await assertAnswers(url)
  })

  it("that are all in use leave room for nobody, who is told so", async () => {
    const url = await start({ maxConnections: 5 })
    const streams = Array.from({ length: 5 }, () => client(url))
    for (const { socket } of streams) socket.write(head("GET", "/api/v1/agents/ann/subscribe"))
    await until(() => streams.every(({ received }) => received().includes("event:")))
    const late = client(url)
    await late.closed
    const { code, head: answered, status } = said(late.received())
    assert.deepStrictEqual({ code, status }, { code: "busy", status: 503 })
    assert.match(answered, /^retry-after: 1\r?$/im)
    for (const { socket } of streams) socket.destroy()
    await until(() =>
      assertAnswers(url).then(
        () => true,
        () => false
      )
    )
  })

  it("10,000 that are idle leave it answering, and give their descriptors back", async ({ skip }) => {
    const count = 10_000
    // Node raises its own limit to the hard one when it starts; so does the server.
    const limit = Number(/^Max open files +\d+ +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1])
    skip(limit < count + 500, `a process may have ${limit} descriptors only`)
    const server = openintent(["serve", "--port", "0", "--database-url", "memory:"])
    const { annotations } = await started(server)
    const descriptors = () => readdirSync(`/proc/${server.process.pid}/fd`).length
    await assertAnswers(annotations.url)
    const before = descriptors()
    const { hostname, port } = new URL(annotations.url)
    const idle: Array<Socket> = []
    onTestFinished(() => idle.forEach((socket) => void socket.destroy()))
    for (let opened = 0; opened < count; opened += 500) {
      await Promise.all(
        Array.from(
          { length: 500 },
          () =>
            new Promise((resolve, reject) => {
              idle.push(connect(Number(port), hostname).once("connect", resolve).on("error", reject))
            })
        )
      )
    }
    await until(() => descriptors() >= before + count)
    for (let i = 0; i < 20; i++) await assertAnswers(annotations.url)
    for (const socket of idle) socket.destroy()
    await until(() => descriptors() <= before + 2) // Those that `fetch` keeps.
    await assertAnswers(annotations.url)
  })
})
