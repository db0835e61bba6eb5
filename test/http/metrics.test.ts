import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import * as Exit from "effect/Exit"
import { readFileSync } from "node:fs"
import { onTestFinished } from "vitest"
import { OpenIntentServer } from "../../src/layers/server.ts"
import { sqlite } from "../../src/layers/sqlite.ts"
import { parseExposition, valueOf } from "./exposition.ts"
import { openSse } from "./sse.ts"

/** A server as it is published, that counts for itself. */
const serving = async () => {
  const scope = Scope.makeUnsafe()
  const context = await OpenIntentServer.layer({
    port: 0,
    adminKeys: ["admin-key"],
    readOnlyKeys: ["scraper-key"]
  }).pipe(
    Layer.provide(sqlite(":memory:")),
    Layer.provide(Layer.succeed(Metric.MetricRegistry, new Map())),
    Layer.buildWithScope(scope),
    Effect.runPromise
  )
  onTestFinished(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  const url = HttpServer.formatAddress(Context.get(context, HttpServer.HttpServer).address)
  const ask = (method: string, path: string, body?: unknown, headers: { readonly [name: string]: string } = {}) =>
    fetch(url + path, {
      method,
      headers: { "x-api-key": "admin-key", "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
  const scrape = async () => {
    const response = await fetch(`${url}/metrics`, { headers: { authorization: "Bearer scraper-key" } })
    assert.strictEqual(response.status, 200)
    assert.strictEqual(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8")
    return parseExposition(await response.text())
  }
  return { url, port: Number(new URL(url).port), ask, scrape }
}

const intents = { method: "POST", route: "/api/v1/intents" }
const intent = { method: "GET", route: "/api/v1/intents/{intentId}" }

describe("metrics", () => {
  it("counts what was asked by route and status, and never by path", async () => {
    const { ask, scrape } = await serving()
    const ids: Array<string> = []
    for (let i = 0; i < 5; i++) {
      const created = (await (await ask("POST", "/api/v1/intents", { title: `Task ${i}` })).json()) as { id: string }
      ids.push(created.id)
    }
    for (const id of ids) await ask("GET", `/api/v1/intents/${id}?a=b`)
    for (let i = 0; i < 3; i++) await ask("GET", `/api/v1/intents/nobody-${i}`)
    for (let i = 0; i < 2; i++) await ask("GET", `/nowhere-${i}`)
    await ask("DELETE", "/api/v1/intents")
    await ask("GET", "/api/v1/intents", undefined, { "x-api-key": "wrong" })

    const found = await scrape()
    const requests = (labels: { readonly [name: string]: string }) =>
      valueOf(found, "openintent_http_requests_total", labels)
    assert.strictEqual(requests({ ...intents, status: "200" }), 5)
    assert.strictEqual(requests({ ...intent, status: "200" }), 5)
    assert.strictEqual(requests({ ...intent, status: "404" }), 3)
    assert.strictEqual(requests({ method: "GET", route: "unmatched", status: "404" }), 2)
    assert.strictEqual(requests({ method: "DELETE", route: "unmatched", status: "405" }), 1)
    assert.strictEqual(requests({ method: "GET", route: "/api/v1/intents", status: "401" }), 1)
    assert.strictEqual(valueOf(found, "openintent_http_request_duration_seconds_count", intent), 8)
    for (const [code, count] of [
      ["not_found", 3],
      ["route_not_found", 2],
      ["method_not_allowed", 1],
      ["unauthorized", 1],
      ["rate_limited", 0]
    ] as const) {
      assert.strictEqual(valueOf(found, "openintent_http_refusals_total", { code }), count, code)
    }
    assert.strictEqual(valueOf(found, "openintent_http_requests_in_flight"), 1) // The scrape itself.
    assert.notInclude(JSON.stringify(found), "nobody")
    assert.strictEqual(
      valueOf(await scrape(), "openintent_http_requests_total", { method: "GET", route: "/metrics", status: "200" }),
      1
    )
  })

  it("counts what the engine does", async () => {
    const { ask, scrape } = await serving()
    const key = { "idempotency-key": "once" }
    const { id } = (await (await ask("POST", "/api/v1/intents", { title: "A" }, key)).json()) as { id: string }
    await ask("POST", "/api/v1/intents", { title: "A" }, key)
    const path = `/api/v1/intents/${id}`
    await ask("POST", `${path}/leases`, { scope: "a" })
    await ask("POST", `${path}/leases`, { scope: "a" })
    for (const type of ["comment", "comment", "x.mine", "x.own"])
      await ask("POST", `${path}/events`, { event_type: type })
    const found = await scrape()
    const value = (name: string, labels?: { readonly [name: string]: string }) => valueOf(found, name, labels)
    assert.strictEqual(value("openintent_http_idempotency_replays_total"), 1)
    assert.strictEqual(value("openintent_leases_total", { outcome: "granted" }), 1)
    assert.strictEqual(value("openintent_leases_total", { outcome: "refused" }), 1)
    assert.strictEqual(value("openintent_events_total", { type: "intent_created" }), 1)
    assert.strictEqual(value("openintent_events_total", { type: "comment" }), 2)
    assert.strictEqual(value("openintent_events_total", { type: "x." }), 2)
    assert.strictEqual(value("openintent_commands_total", { kind: "intent", outcome: "refused" }), 1)
    assert.isAtLeast(value("openintent_storage_group_commits_sum") ?? 0, 6)
    assert.strictEqual(value("openintent_log_position"), 6)
    assert.isAbove(value("process_resident_memory_bytes") ?? 0, 1e7)
    assert.isAbove(value("process_start_time_seconds") ?? 0, 1e9)
  })

  it("knows how many streams are open", async () => {
    const { ask, port, scrape } = await serving()
    const { id } = (await (await ask("POST", "/api/v1/intents", { title: "A" })).json()) as { id: string }
    const stream = openSse(port, `/api/v1/subscribe/intents/${id}`, { "X-API-Key": "admin-key" })
    await stream.next()
    assert.strictEqual(valueOf(await scrape(), "openintent_http_streams_open"), 1)
  })

  it("is for those who may read", async () => {
    const { ask, url } = await serving()
    assert.strictEqual((await fetch(`${url}/metrics`)).status, 401)
    assert.strictEqual((await ask("GET", "/metrics", undefined, { "x-api-key": "wrong" })).status, 401)
    const head = await ask("HEAD", "/metrics")
    assert.deepStrictEqual([head.status, await head.text()], [200, ""])
    const refused = await ask("POST", "/metrics")
    assert.deepStrictEqual([refused.status, refused.headers.get("allow")], [405, "GET, HEAD, OPTIONS"])
  })

  it("shows the metrics of the documentation, no others, with their labels", async () => {
    const { ask, scrape } = await serving()
    await ask("POST", "/api/v1/intents", { title: "A" })
    await ask("GET", "/nowhere")
    const page = readFileSync(new URL("../../docs/observability.md", import.meta.url), "utf8")
    const documented = [...page.matchAll(/^\| `(\w+)` *\| (counter|gauge|histogram) *\| ([^|]*)\|/gm)].map(
      ([, name, type, labels = ""]) =>
        [name, type, ...[...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label)].join(" ")
    )
    const shown = (await scrape()).map(({ name, samples, type }) =>
      [name, type, ...Object.keys(samples[0]?.labels ?? {}).filter((label) => label !== "le")].join(" ")
    )
    // Only where there is a collector, and only on Linux.
    const optional = /^openintent_otlp_|^process_open_fds/
    assert.sameMembers(
      shown.filter((one) => !optional.test(one)),
      documented.filter((one) => !optional.test(one))
    )
  })
})
