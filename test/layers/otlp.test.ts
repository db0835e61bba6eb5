import { assert, describe, it } from "@effect/vitest"
import { createServer } from "node:net"
import { startServer } from "../../src/layers/server.ts"
import { collecting, fieldsOf } from "./collector.ts"
import { type Child, openintent, started } from "./processes.ts"

const key = "a-key-that-nobody-may-see"
const secret = "do-not-tell"

/** A server that exports at its end only, if the test does not want it earlier. */
const serve = (endpoint: string, env: { readonly [name: string]: string } = {}): Child =>
  openintent(["serve", "--port", "0", "--database-url", "memory:", "--api-keys", key, "--otlp-endpoint", endpoint], {
    env: {
      OTEL_BSP_SCHEDULE_DELAY: "60000",
      OTEL_BLRP_SCHEDULE_DELAY: "60000",
      OTEL_METRIC_EXPORT_INTERVAL: "60000",
      ...env
    }
  })

const ask = (url: string, method: string, path: string, headers = {}, body?: unknown) =>
  fetch(url + path, {
    method,
    headers: { "x-api-key": key, "x-agent-id": "atlas", "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })

const stop = async (server: Child) => {
  server.process.kill("SIGTERM")
  return server.ended
}

/** A port on which nobody listens. */
const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

describe("telemetry", () => {
  it("tells the collector of each request in one span, and nothing secret", async () => {
    const collector = await collecting()
    const server = serve(collector.url, {
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20of-the-collector",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,service.instance.id=one%20two",
      OTEL_SERVICE_NAME: "coordination"
    })
    const { annotations } = await started(server)
    const { url } = annotations
    const created = await ask(url, "POST", "/api/v1/intents", { "x-request-id": "req-1" }, { title: secret })
    const { id } = (await created.json()) as { id: string }
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await ask(url, "GET", `/api/v1/intents/${id}/events?agent_id=${secret}`, { traceparent })
    await ask(url, "GET", "/api/v1/intents/none", { traceparent: traceparent.replace(/01$/, "00") })
    await ask(url, "GET", `/nowhere?${secret}`)
    assert.strictEqual((await stop(server)).code, 0)

    const spans = collector.spans()
    assert.deepStrictEqual(
      spans.map(({ name }) => name),
      ["POST /api/v1/intents", "GET /api/v1/intents/{intentId}/events", "GET unmatched"]
    )
    const [create, list, lost] = spans
    assert.isDefined(create)
    assert.isDefined(list)
    assert.isUndefined(create.parentSpanId)
    assert.strictEqual(create.kind, 2) // Server.
    assert.isTrue(BigInt(create.endTimeUnixNano) > BigInt(create.startTimeUnixNano))
    assert.deepInclude(fieldsOf(create.attributes), {
      "http.request.method": "POST",
      "http.route": "/api/v1/intents",
      "http.response.status_code": 200,
      "url.path": "/api/v1/intents",
      "server.address": "127.0.0.1",
      "server.port": Number(new URL(url).port),
      "openintent.agent_id": "atlas",
      "openintent.request_id": "req-1"
    })
    assert.strictEqual(list.traceId, "0af7651916cd43dd8448eb211c80319c")
    assert.strictEqual(list.parentSpanId, "b7ad6b7169203331")
    assert.deepInclude(fieldsOf(list.attributes), {
      "http.route": "/api/v1/intents/{intentId}/events",
      "url.path": `/api/v1/intents/${id}/events`,
      "openintent.intent_id": id
    })
    assert.deepInclude(fieldsOf(lost?.attributes ?? []), {
      "http.response.status_code": 404,
      "openintent.refusal": "route_not_found"
    })

    assert.deepInclude(collector.resource(), {
      "service.name": "coordination",
      "deployment.environment.name": "test",
      "service.instance.id": "one two"
    })
    for (const { headers, text } of collector.received) {
      assert.strictEqual(headers.authorization, "Bearer of-the-collector")
      assert.notInclude(text, key)
      assert.notInclude(text, secret)
    }
    const counted = collector.metrics().filter(({ name }) => name === "openintent_http_requests_total")
    assert.include(
      counted.at(-1)?.sum?.dataPoints.map((point) => fieldsOf(point.attributes)["route"]) ?? [],
      "/api/v1/intents"
    )
    assert.isTrue(collector.logs().some(({ body }) => body.stringValue?.includes(" serves ")))
  })

  it("takes as many traces as it is told to, and leaves to the caller what the caller decides", async () => {
    const collector = await collecting()
    const server = serve(collector.url, {
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0"
    })
    const { annotations } = await started(server)
    for (let i = 0; i < 20; i++) await ask(annotations.url, "GET", "/health")
    await ask(annotations.url, "GET", "/health/live", {
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    })
    await stop(server)
    assert.deepStrictEqual(
      collector.spans().map(({ name }) => name),
      ["GET /health/live"]
    )
  })

  it("says once that the collector is down, and goes on", async () => {
    const server = serve(`http://127.0.0.1:${await freePort()}`, {
      OTEL_BSP_SCHEDULE_DELAY: "50",
      OTEL_EXPORTER_OTLP_TIMEOUT: "300"
    })
    const { annotations } = await started(server)
    await ask(annotations.url, "GET", "/health")
    await server.until(/telemetry is lost/)
    for (let i = 0; i < 20; i++) assert.strictEqual((await ask(annotations.url, "GET", "/health")).status, 200)
    const { code, stdout } = await stop(server)
    assert.strictEqual(code, 0)
    assert.strictEqual(stdout.match(/telemetry is lost/g)?.length, 1)
  })

  it("waits at its end until the collector has taken what was left", async () => {
    const collector = await collecting({ delayMs: 400 })
    const server = serve(collector.url)
    const { annotations } = await started(server)
    await ask(annotations.url, "GET", "/health")
    await stop(server)
    assert.strictEqual(collector.spans().length, 1)
    assert.strictEqual(collector.answered(), 3) // Traces, metrics, logs.
  })

  it("ends in time although the collector never answers", async () => {
    const collector = await collecting({ delayMs: Number.POSITIVE_INFINITY })
    const server = serve(collector.url, { OTEL_BSP_SCHEDULE_DELAY: "50", OTEL_EXPORTER_OTLP_TIMEOUT: "300" })
    const { annotations } = await started(server)
    await ask(annotations.url, "GET", "/health")
    await collector.until(() => collector.spans().length > 0)
    assert.strictEqual((await stop(server)).code, 0)
  })

  it("is sent by a server that a program starts, as the program says", async () => {
    const collector = await collecting()
    const server = await startServer({
      storage: "memory:",
      port: 0,
      otlp: { endpoint: collector.url, headers: { authorization: "Bearer a,b=c" }, serviceName: "embedded" }
    })
    assert.strictEqual((await fetch(`${server.url}/health/live`)).status, 200)
    await server.close()
    assert.deepStrictEqual(
      collector.spans().map(({ name }) => name),
      ["GET /health/live"]
    )
    assert.strictEqual(collector.resource()["service.name"], "embedded")
    for (const { headers } of collector.received) assert.strictEqual(headers.authorization, "Bearer a,b=c")
  })

  it("refuses to start with a variable that cannot be read, in one line", async () => {
    const collector = await collecting()
    for (const [name, value] of [
      ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "soon"],
      ["OTEL_TRACES_SAMPLER", "sometimes"]
    ] as const) {
      const { code, stderr } = await serve(collector.url, { [name]: value }).ended
      assert.strictEqual(code, 1, name)
      assert.match(stderr, new RegExp(`^[^\\n]*${name}[^\\n]*\\n$`))
    }
  })

  it("refuses to start with a collector that is no URL, in one line", async () => {
    const { code, stderr, stdout } = await openintent(["serve", "--otlp-endpoint", "collector"]).ended
    assert.notStrictEqual(code, 0)
    assert.include(stdout + stderr, "must be a URL")
  })
})

describe("logs", () => {
  it("are lines of JSON that name the request, without key or query", async () => {
    const server = openintent(["serve", "--port", "0", "--database-url", "memory:", "--api-keys", key, "--debug"], {})
    const { annotations } = await started(server)
    await ask(annotations.url, "GET", `/api/v1/intents?q=${secret}`, { "x-request-id": "req-2" })
    await server.until(/req-2/)
    const { stdout } = await stop(server)
    assert.notInclude(stdout, key)
    assert.notInclude(stdout, secret)
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
    for (const line of lines) assert.containsAllKeys(line, ["timestamp", "level", "message"])
    const { annotations: said, level } = lines.find(({ message }) => message === "request")
    assert.deepInclude(said, { method: "GET", path: "/api/v1/intents", status: 200, requestId: "req-2" })
    assert.strictEqual(level, "DEBUG")
  })
})
