import { assert, describe, it } from "@effect/vitest"
import { mkdirSync, writeFileSync } from "node:fs"
import { createServer, request, type IncomingMessage } from "node:http"
import { type AddressInfo, connect as connectSocket } from "node:net"
import { networkInterfaces } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { onTestFinished } from "vitest"
import manifest from "../../package.json" with { type: "json" }
import { bin, newFolder, node, openintent, run, started } from "./processes.ts"

const hasIPv6 = Object.values(networkInterfaces()).some((found) => found?.some(({ address }) => address === "::1"))

/** Serves from memory on any free port. */
const fast = ["serve", "--port", "0", "--database-url", "memory:"]

const call = (url: string, key: string, path: string, init: RequestInit = {}) =>
  fetch(`${url}/api/v1${path}`, { ...init, headers: { "x-api-key": key, "content-type": "application/json" } })

const create = (url: string, key: string, title = "one") =>
  call(url, key, "/intents", { method: "POST", body: JSON.stringify({ title }) })

/** What tells our files from other SQLite files. */
const applicationId = 0x4f494350

/** What the server answers to the rest of a request that is begun now: `end` sends the rest. */
const begin = (url: string, body: string) => {
  const sent = request(`${url}/api/v1/intents`, {
    method: "POST",
    headers: { "x-api-key": "dev-user-key", "content-type": "application/json", "content-length": body.length }
  })
  const answer = new Promise<IncomingMessage>((resolve, reject) => sent.on("response", resolve).on("error", reject))
  sent.write(body.slice(0, 5))
  return { answer, end: () => sent.end(body.slice(5)) }
}

describe("openintent", () => {
  it.each([
    ["openintent", ["--version"], `openintent v${manifest.version}`],
    ["openintent-server", ["--version"], `openintent-server v${manifest.version}`],
    ["openintent", ["--help"], "serve"],
    ["openintent", ["serve", "--help"], "--database-url"],
    ["openintent-server", ["--help"], "OPENINTENT_ADMIN_KEYS"]
  ] as const)("%s %j", async (name, args, text) => {
    const { code, stderr, stdout } = await run(node, [bin(name), ...args]).ended
    assert.strictEqual(code, 0)
    assert.include(stdout, text)
    assert.strictEqual(stderr, "")
  })

  it("tells URL, docs and storage in one line of JSON once it answers", async () => {
    const folder = newFolder()
    const server = openintent(["serve", "--port", "0"], { cwd: folder })
    const { annotations, level, message } = await started(server)
    const { url } = annotations
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
    assert.deepStrictEqual(annotations, {
      url,
      docs: `${url}/docs`,
      storage: "sqlite:///./openintent.db",
      keys: "development"
    })
    assert.strictEqual(level, "INFO")
    for (const told of [url, `${url}/docs`, "sqlite:///./openintent.db"]) assert.include(message, told)
    assert.strictEqual((await fetch(annotations.docs)).status, 200)
    assert.strictEqual(server.output().trim().split("\n").length, 1)
  })

  it("is `openintent-server` too", async () => {
    const { annotations } = await started(run(node, [bin("openintent-server"), ...fast.slice(1)]))
    assert.strictEqual((await create(annotations.url, "dev-user-key")).status, 200)
  })

  it("takes variables, and flags before variables", async () => {
    const env = {
      OPENINTENT_HOST: "127.0.0.1",
      OPENINTENT_PORT: "0",
      DATABASE_URL: "sqlite:./from-env.db",
      OPENINTENT_API_KEYS: "env-one, env-two",
      OPENINTENT_ADMIN_KEYS: "env-admin"
    }
    const byVariables = await started(openintent(["serve"], { env }))
    assert.deepInclude(byVariables.annotations, { storage: "sqlite:./from-env.db", keys: "configured" })
    for (const key of ["env-one", "env-two", "env-admin"]) {
      assert.strictEqual((await create(byVariables.annotations.url, key)).status, 200)
    }
    const wrong = { ...env, OPENINTENT_HOST: "203.0.113.1", OPENINTENT_PORT: "1" }
    const flags = ["--host", "127.0.0.1", "--port", "0", "--database-url", "memory:"]
    const keys = ["--api-keys", "flag-one,flag-two", "--admin-keys", "flag-admin"]
    const byFlags = await started(openintent(["serve", ...flags, ...keys], { env: wrong }))
    assert.deepInclude(byFlags.annotations, { storage: "memory:", keys: "configured" })
    for (const [key, status] of [
      ["flag-two", 200],
      ["flag-admin", 200],
      ["env-one", 401],
      ["dev-user-key", 401]
    ] as const) {
      assert.strictEqual((await create(byFlags.annotations.url, key)).status, status)
    }
  })

  it("honours the development keys on a loopback address, where dev-user-key is admin", async () => {
    const { annotations } = await started(openintent(fast))
    const { url } = annotations
    const created = await create(url, "dev-user-key")
    const { created_by, id } = (await created.json()) as { readonly created_by: string; readonly id: string }
    assert.strictEqual(created_by, "dev-user")
    const body = JSON.stringify({ scope: "a" })
    const acquired = await call(url, "agent-synth-key", `/intents/${id}/leases`, { method: "POST", body })
    const lease = (await acquired.json()) as { readonly agent_id: string; readonly id: string }
    assert.strictEqual(lease.agent_id, "agent-synth")
    const revoke = (key: string) => call(url, key, `/intents/${id}/leases/${lease.id}/revoke`, { method: "POST" })
    assert.strictEqual((await revoke("agent-research-key")).status, 403)
    assert.strictEqual((await revoke("dev-user-key")).status, 200)
    assert.strictEqual((await create(url, "another-key")).status, 401)
  })

  it.each(["0.0.0.0", ...(hasIPv6 ? ["::"] : [])])("refuses to bind %s without keys, and says why", async (host) => {
    const { code, stderr, stdout } = await openintent([...fast, "--host", host]).ended
    assert.strictEqual(code, 1)
    assert.match(stderr, /^openintent: .* is not a loopback address: .*--api-keys.*\n$/)
    assert.strictEqual(stdout, "")
  })

  it("binds 0.0.0.0 with keys, where the development keys are unknown", async () => {
    const { annotations } = await started(openintent([...fast, "--host", "0.0.0.0", "--api-keys", "secret"]))
    const url = annotations.url.replace("0.0.0.0", "127.0.0.1")
    assert.strictEqual((await create(url, "secret")).status, 200)
    for (const key of ["dev-user-key", "agent-research-key", "agent-synth-key"]) {
      assert.strictEqual((await create(url, key)).status, 401)
    }
  })

  it("answers to a foreign Host only if it is allowed", async () => {
    const { annotations } = await started(openintent([...fast, "--allowed-hosts", "work.example, other.example"]))
    const { port } = new URL(annotations.url)
    const status = (host: string) =>
      new Promise<number | undefined>((resolve, reject) =>
        request({ port, host: "127.0.0.1", path: "/health", headers: { host } }, (response) => {
          response.resume()
          resolve(response.statusCode)
        })
          .on("error", reject)
          .end()
      )
    assert.strictEqual(await status("other.example"), 200)
    assert.strictEqual(await status("evil.example"), 421)
  })

  it("logs every request with --debug, without keys and queries", async () => {
    const server = openintent([...fast, "--debug"])
    const { url } = (await started(server)).annotations
    await call(url, "dev-user-key", "/intents?q=confidential")
    const { annotations, level } = JSON.parse(await server.line(/"request"/)) as {
      readonly annotations: object
      readonly level: string
    }
    assert.deepInclude(annotations, { method: "GET", path: "/api/v1/intents", status: 200 })
    assert.strictEqual(level, "DEBUG")
    for (const secret of ["dev-user-key", "confidential"]) assert.notInclude(server.output(), secret)
  })

  it("sends webhooks to the networks that are allowed, and to no other that is not public", async () => {
    const serve = async (...args: ReadonlyArray<string>) =>
      (await started(openintent([...fast, ...args]))).annotations.url
    const subscribe = async (url: string, webhook_url: string) => {
      const body = JSON.stringify({ webhook_url })
      return (await call(url, "dev-user-key", "/subscriptions", { method: "POST", body })).status
    }
    const received = Promise.withResolvers<string | undefined>()
    const receiver = createServer((request, response) => {
      received.resolve(request.url)
      response.end()
    }).listen(0, "127.0.0.1")
    onTestFinished(() => void receiver.close())
    await new Promise((resolve) => void receiver.on("listening", resolve))
    const target = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
    assert.strictEqual(await subscribe(await serve(), target), 400)
    const url = await serve("--webhook-networks", "10.1.0.0/16, 127.0.0.0/8")
    assert.strictEqual(await subscribe(url, "http://192.168.0.1/hook"), 400)
    assert.strictEqual(await subscribe(url, target), 200)
    await create(url, "dev-user-key")
    assert.strictEqual(await received.promise, "/hook")
  })

  it("takes attachments up to the size that is configured", async () => {
    const size = (mebibytes: number) => Buffer.alloc(mebibytes * 1024 * 1024).toString("base64")
    const { url } = (await started(openintent([...fast, "--max-attachment-mib", "2"]))).annotations
    const { id } = (await (await create(url, "dev-user-key")).json()) as { readonly id: string }
    const attach = async (content_base64: string) => {
      const body = JSON.stringify({ filename: "a.bin", mime_type: "application/octet-stream", content_base64 })
      return (await call(url, "dev-user-key", `/intents/${id}/attachments`, { method: "POST", body })).status
    }
    assert.strictEqual(await attach(size(2)), 200)
    assert.strictEqual(await attach(size(2.1)), 413)
  })

  it("refuses costs beyond a budget with --enforce-budgets only", async () => {
    const spend = async (env: { readonly [name: string]: string }) => {
      const { url } = (await started(openintent(fast, { env }))).annotations
      const post = (path: string, body: object) =>
        call(url, "dev-user-key", path, { method: "POST", body: JSON.stringify(body) })
      const created = await post("/intents", { title: "one", constraints: { max_cost: 1 } })
      const { id } = (await created.json()) as { readonly id: string }
      return (await post(`/intents/${id}/costs`, { cost_type: "custom", amount: 2, unit: "USD" })).status
    }
    assert.strictEqual(await spend({}), 200)
    assert.strictEqual(await spend({ OPENINTENT_ENFORCE_BUDGETS: "true" }), 403)
  })

  it.each(["localhost", ...(hasIPv6 ? ["::1"] : [])])("takes %s for a loopback address", async (host) => {
    const { annotations } = await started(openintent([...fast, "--host", host]))
    assert.strictEqual((await create(annotations.url, "dev-user-key")).status, 200)
  })

  it("keeps the data in the file over a restart", async () => {
    const cwd = newFolder()
    const first = openintent(["serve", "--port", "0"], { cwd })
    const before = await started(first)
    const intent: unknown = await (await create(before.annotations.url, "dev-user-key")).json()
    first.process.kill("SIGTERM")
    assert.strictEqual((await first.ended).code, 0)
    const after = await started(openintent(["serve", "--port", "0"], { cwd }))
    const { intents } = (await (await call(after.annotations.url, "dev-user-key", "/intents")).json()) as {
      readonly intents: ReadonlyArray<unknown>
    }
    assert.deepStrictEqual(intents, [intent])
  })

  it("on SIGTERM answers the request in flight, takes no other, and exits with 0", async () => {
    const folder = newFolder()
    const server = openintent(["serve", "--port", "0"], { cwd: folder })
    const { url } = (await started(server)).annotations
    const idle = connectSocket(Number(new URL(url).port), "127.0.0.1")
    onTestFinished(() => void idle.destroy())
    await (await create(url, "dev-user-key")).text() // Leaves a connection that is kept alive.
    const { answer, end } = begin(url, JSON.stringify({ title: "in flight" }))
    await new Promise((resolve) => void setTimeout(resolve, 200))
    const since = performance.now()
    server.process.kill("SIGTERM")
    await new Promise((resolve) => void setTimeout(resolve, 200))
    const refused = await create(url, "dev-user-key", "too late").then(
      ({ status }) => status,
      () => "refused"
    )
    assert.include([503, "refused"], refused)
    end()
    assert.strictEqual((await answer).statusCode, 200)
    const { code, stderr } = await server.ended
    assert.strictEqual(code, 0)
    assert.strictEqual(stderr, "")
    assert.isBelow(performance.now() - since, 10_000)
    const kept = new DatabaseSync(join(folder, "openintent.db"))
    assert.strictEqual(kept.prepare("SELECT count(*) AS n FROM intents").get()?.["n"], 2)
    kept.close()
  })

  it("exits with 0 within 10 s of SIGTERM although a request never ends, and on SIGINT", async () => {
    const server = openintent(fast)
    const { url } = (await started(server)).annotations
    begin(url, JSON.stringify({ title: "never" })).answer.catch(() => undefined)
    const headersOnly = connectSocket(Number(new URL(url).port), "127.0.0.1").on("error", () => undefined)
    headersOnly.write("POST /api/v1/intents HTTP/1.1\r\nHost: local")
    const other = openintent(fast)
    await started(other)
    await new Promise((resolve) => void setTimeout(resolve, 200))
    const since = performance.now()
    server.process.kill("SIGTERM")
    other.process.kill("SIGINT")
    assert.strictEqual((await other.ended).code, 0)
    assert.isBelow(performance.now() - since, 2_000)
    assert.strictEqual((await server.ended).code, 0)
    assert.isBelow(performance.now() - since, 10_000)
  })

  describe("says in one line why it does not start, and exits with 1", () => {
    const refused = async (args: ReadonlyArray<string>, reason: RegExp, cwd = newFolder()) => {
      const { code, stderr, stdout } = await openintent(["serve", ...args], { cwd }).ended
      assert.strictEqual(code, 1)
      assert.match(stderr, /^openintent: [^\n]+\n$/)
      assert.match(stderr, reason)
      assert.strictEqual(stdout, "")
    }
    const database = (url: string) => ["--port", "0", "--database-url", url]

    it("a port in use", async () => {
      const taken = createServer().listen(0, "127.0.0.1")
      onTestFinished(() => void taken.close())
      await new Promise((resolve) => void taken.on("listening", resolve))
      const { port } = taken.address() as AddressInfo
      await refused(["--port", String(port), "--database-url", "memory:"], /the port is in use/)
    })

    it("an address that is not of this machine", () =>
      refused([...database("memory:"), "--host", "203.0.113.1"], /cannot listen/))

    it("a folder that does not exist", () =>
      refused(database("sqlite:./no/such/work.db"), /cannot open .*unable to open/))

    it("a folder in place of a file", async () => {
      const cwd = newFolder()
      mkdirSync(join(cwd, "work.db"))
      await refused(database("sqlite:./work.db"), /cannot open/, cwd)
    })

    it("a file that is no database", async () => {
      const cwd = newFolder()
      writeFileSync(join(cwd, "work.db"), "no database ".repeat(100))
      await refused(database("sqlite:./work.db"), /file is not a database/, cwd)
    })

    it("a file of a newer version", async () => {
      const cwd = newFolder()
      const newer = new DatabaseSync(join(cwd, "work.db"))
      newer.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = 9999`)
      newer.close()
      await refused(database("sqlite:./work.db"), /newer version/, cwd)
    })

    it.each([
      ["postgres://user:secret@host/db", /PostgreSQL is not supported yet/],
      ["mysql://user:secret@host/db", /unknown storage/]
    ])("%s", (url, reason) => refused(database(url), reason))
  })

  it.each([
    [["--port", "70000"], /must be from 0/],
    [["--port", "x"], /--port/],
    [["--webhook-networks", "10.1.0.0"], /must be networks/],
    [["--max-attachment-mib", "0"], /must be from 1/],
    [["--colour"], /--colour/]
  ] as const)("refuses %j with its usage", async (args, reason) => {
    const { code, stderr } = await openintent(["serve", ...args]).ended
    assert.strictEqual(code, 2)
    assert.match(stderr, reason)
    assert.notMatch(stderr, /^ {4}at /m)
  })
})
