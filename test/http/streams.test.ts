/** http.md 12 over real sockets. */
import * as Duration from "effect/Duration"
import { assert, describe, it } from "vitest"
import { memory } from "../../src/layers/memory.ts"
import { serving as servingWith, type Serving } from "./serving.ts"
import { openSse, type Sse } from "./sse.ts"

const post = async (server: Serving, path: string, body: object, headers = {}) =>
  (await server.ask("POST", `/api/v1${path}`, { body, headers })).body

const create = async (server: Serving, body: object = { title: "t" }): Promise<string> =>
  (await post(server, "/intents", body)).id

const say = (server: Serving, id: string, body: object = { event_type: "comment" }) =>
  post(server, `/intents/${id}/events`, body)

const move = (server: Serving, id: string, status: string, version: number) =>
  post(server, `/intents/${id}/status`, { status }, { "if-match": String(version) })

const subscribed = async (server: Serving, path: string, headers = {}): Promise<Sse> => {
  const stream = openSse(server.port, `/api/v1${path}`, headers)
  assert.strictEqual((await stream.next()).event, "connected")
  return stream
}

const quick = { streamRefusalDelay: Duration.millis(30) }

describe.each([
  { way: "responses left open", asBodies: false },
  { way: "bodies", asBodies: true }
])("streams as $way", ({ asBodies }) => {
  const serving = (...[options, engine, rest]: Parameters<typeof servingWith>) =>
    servingWith(options, engine, { ...rest, asBodies })

  it("http.md 12.2: the head, the first bytes and the form of a frame", async () => {
    await using server = await serving()
    const id = await create(server)
    const stream = await subscribed(server, `/intents/${id}/subscribe`)
    const { sequence } = await say(server, id, { event_type: "comment", payload: { text: "a\nb\r\u2028" } })
    const frame = await stream.next()
    stream.close()
    const { body, head } = await stream.ended
    assert.match(head, /^HTTP\/1\.1 200 /)
    assert.match(head, /content-type: text\/event-stream; charset=utf-8/i)
    assert.match(head, /cache-control: no-cache/i)
    assert.match(head, /x-accel-buffering: no/i)
    assert.isTrue(body.startsWith(`retry: 3000\nevent: connected\ndata: {"kind":"intent","id":"${id}"`))
    assert.match(body, new RegExp(`\n\nid: ${sequence}\nevent: comment\ndata: \\{[^\n]*\\}\n\n$`))
    assert.notInclude(body, "\r")
    assert.deepStrictEqual(
      [frame.data.intent_id, frame.data.event_type, frame.data.actor, frame.data.payload, frame.data.sequence],
      [id, "comment", "atlas", { text: "a\nb\r\u2028" }, sequence]
    )
    assert.match(frame.data.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
    assert.match(frame.data.event_id, /^[0-9a-f-]{36}$/)
  })

  it("12.3: the names and further keys of the engine's own events, which clients cannot forge", async () => {
    await using server = await serving()
    const id = await create(server, { title: "t", state: { a: 1, b: [1], gone: true } })
    const stream = await subscribed(server, `/intents/${id}/subscribe`)
    await post(
      server,
      `/intents/${id}/state`,
      {
        patches: [
          { op: "set", path: "/n/x", value: 1 },
          { op: "append", path: "b", value: 2 },
          { op: "remove", path: "gone" }
        ]
      },
      { "if-match": "1" }
    )
    const patched = await stream.next()
    assert.strictEqual(patched.event, "STATE_CHANGED")
    assert.deepStrictEqual(patched.data.old_state, { b: [1], gone: true })
    assert.deepStrictEqual(patched.data.new_state, { b: [1, 2], n: { x: 1 } })
    await post(server, `/intents/${id}/agents`, { agent_id: "ann", delegated_by: "bob", retry_attempt: 2 })
    const { data, event } = await stream.next()
    assert.strictEqual(event, "AGENT_ASSIGNED")
    assert.deepStrictEqual(
      [data.agent_id, data.role, data.delegated_by, data.retry_attempt, data.last_error],
      ["ann", "worker", "bob", 2, null]
    )
    for (const event_type of ["agent_assigned", "state_patched", "status_changed", "x.own"]) {
      await say(server, id, { event_type, payload: { agent_id: "eve", new_status: "completed" } })
      const forged = await stream.next()
      assert.strictEqual(forged.event, event_type)
      assert.notProperty(forged.data, "old_state")
      assert.notProperty(forged.data, "status")
    }
    await say(server, id, { event_type: "x.a\ndata: evil\n\nevent: b" })
    const odd = await stream.next()
    assert.strictEqual(odd.event, "x.a data: evil  event: b")
    assert.strictEqual(odd.data.event_type, "x.a\ndata: evil\n\nevent: b")
    stream.close()
  })

  it("1.9: `pending` is shown as `active` in the default profile, and as itself in profile 2", async () => {
    await using server = await serving()
    const needed = await create(server)
    const id = await create(server, { title: "t", depends_on: [needed] })
    const first = await subscribed(server, `/intents/${id}/subscribe`)
    const second = await subscribed(server, `/intents/${id}/subscribe?profile=2`)
    await move(server, needed, "active", 1)
    await move(server, needed, "completed", 2)
    assert.strictEqual((await first.next()).data.new_status, "active")
    const { data } = await second.next()
    assert.strictEqual(data.new_status, "pending")
    assert.match(data.created_at, /Z$/)
    first.close()
    second.close()
  })

  it("12.3: portfolio streams: members only, how far it is after each change, and who completed it", async () => {
    await using server = await serving()
    const [a, b, other] = [await create(server), await create(server), await create(server)]
    const portfolio = await post(server, "/portfolios", {
      name: "p",
      governance_policy: { auto_complete_threshold: 50 }
    })
    const path = `/portfolios/${portfolio.id}`
    await post(server, `${path}/intents`, { intent_id: a })
    const stream = await subscribed(server, `${path}/subscribe`)
    await say(server, other)
    await say(server, b)
    await post(server, `${path}/intents`, { intent_id: b })
    assert.strictEqual((await stream.next()).event, "added_to_portfolio")
    await post(server, `/intents/${a}/agents`, { agent_id: "ann" })
    const assigned = await stream.next()
    assert.deepStrictEqual([assigned.event, assigned.data.portfolio_id], ["agent_assigned", portfolio.id])
    await move(server, a, "active", 1)
    assert.strictEqual((await stream.next()).event, "STATUS_CHANGED")
    const progress = await stream.next()
    assert.strictEqual(progress.event, "PORTFOLIO_PROGRESS")
    assert.isUndefined(progress.id)
    assert.notProperty(progress.data, "auto_completed")
    assert.strictEqual(progress.data.aggregate_status.total, 2)
    await move(server, a, "completed", 2)
    const completed = await stream.next()
    assert.deepStrictEqual([completed.event, completed.data.new_status], ["INTENT_COMPLETED", "completed"])
    const done = await stream.next()
    assert.deepStrictEqual(
      [done.event, done.data.auto_completed, done.data.aggregate_status.completion_percentage],
      ["PORTFOLIO_PROGRESS", true, 50]
    )
    await move(server, b, "abandoned", 1)
    assert.strictEqual((await stream.next()).event, "INTENT_FAILED")
    assert.strictEqual((await stream.next()).event, "PORTFOLIO_PROGRESS")
    await post(server, `/intents/${b}/arbitrate`, { reason: "stuck" })
    const [escalation, asked] = [await stream.next(), await stream.next()]
    assert.deepStrictEqual([escalation.event, asked.event], ["ESCALATION_REQUIRED", "arbitration_requested"])
    assert.isUndefined(escalation.id)
    assert.deepStrictEqual([escalation.data.reason, asked.data.reason], ["stuck", "stuck"])
    await server.ask("DELETE", `/api/v1${path}/intents/${b}`)
    assert.strictEqual((await stream.next()).event, "removed_from_portfolio")
    await say(server, b)
    await say(server, a)
    const last = await stream.next()
    assert.strictEqual(last.data.intent_id, a)
    stream.close()
    // Decision 22: progress is live only.
    const resumed = await subscribed(server, `${path}/subscribe?last_event_id=${assigned.id}`)
    const names = []
    for (let i = 0; i < 4; i++) names.push((await resumed.next()).event)
    assert.deepStrictEqual(names, ["STATUS_CHANGED", "INTENT_COMPLETED", "INTENT_FAILED", "ESCALATION_REQUIRED"])
    resumed.close()
  })

  it("12.4: the legacy family: its own paths, names and bodies, and only its types", async () => {
    await using server = await serving()
    const id = await create(server, { title: "t", state: { a: 1 } })
    const portfolio = await post(server, "/portfolios", { name: "p" })
    const ofIntent = await subscribed(server, `/subscribe/intents/${id}`)
    const ofPortfolio = await subscribed(server, `/subscribe/portfolios/${portfolio.id}`)
    const ofAgent = await subscribed(server, "/subscribe/agents/ann")
    await post(server, `/portfolios/${portfolio.id}/intents`, { intent_id: id })
    const added = await ofPortfolio.next()
    assert.deepStrictEqual([added.event, added.data], ["intent_added", {}])
    await post(server, `/intents/${id}/leases`, { scope: "s" })
    await post(server, `/intents/${id}/state`, { state: { a: 2 } }, { "if-match": "1" })
    const patched = await ofIntent.next()
    assert.deepStrictEqual([patched.event, patched.data.id, patched.data.state], ["state_patched", id, { a: 2 }])
    assert.match(patched.id ?? "", /^\d+$/)
    const assignment = await post(server, `/intents/${id}/agents`, { agent_id: "ann", role: "lead" })
    const assigned = await ofAgent.next()
    assert.deepStrictEqual([assigned.event, assigned.data], ["agent_assigned", assignment])
    await say(server, id)
    assert.deepStrictEqual(
      [(await ofIntent.next()).event, (await ofIntent.next()).event],
      ["agent_assigned", "comment"]
    )
    const comment = await ofAgent.next()
    assert.deepStrictEqual(
      [comment.event, comment.data.event_type, comment.data.agent_id],
      ["comment", "comment", "atlas"]
    )
    await server.ask("DELETE", `/api/v1/portfolios/${portfolio.id}/intents/${id}`)
    const events = []
    for (let i = 0; i < 4; i++) events.push((await ofPortfolio.next()).event)
    assert.deepStrictEqual(events, ["state_patched", "agent_assigned", "comment", "intent_removed"])
    for (const stream of [ofIntent, ofPortfolio, ofAgent]) stream.close()
  })

  it("12.1: what is refused is refused slowly; an unknown agent is none", async () => {
    await using server = await serving({ streamRefusalDelay: Duration.millis(150) })
    const timed = async (path: string, key: string | null) => {
      const since = performance.now()
      const { body, status } = await server.ask("GET", `/api/v1${path}`, { key })
      return { status, code: body.code, isSlow: performance.now() - since >= 140 }
    }
    const slow = { isSlow: true }
    assert.deepStrictEqual(await timed("/intents/none/subscribe", "dev-user-key"), {
      status: 404,
      code: "not_found",
      ...slow
    })
    assert.deepStrictEqual(await timed("/portfolios/none/subscribe", "dev-user-key"), {
      status: 404,
      code: "not_found",
      ...slow
    })
    assert.deepStrictEqual(await timed("/subscribe/intents/none", "dev-user-key"), {
      status: 404,
      code: "not_found",
      ...slow
    })
    assert.deepStrictEqual(await timed("/agents/a/subscribe", null), { status: 401, code: "unauthorized", ...slow })
    assert.deepStrictEqual(await timed("/agents/a/subscribe?api_key=no", null), {
      status: 401,
      code: "unauthorized",
      ...slow
    })
    ;(await subscribed(server, "/agents/service:nobody/subscribe")).close()
  })

  it("12.1: the key may be in the query", async () => {
    await using server = await serving(quick)
    const stream = openSse(server.port, "/api/v1/agents/a/subscribe?api_key=dev-user-key", {
      "X-API-Key": "",
      Connection: "close"
    })
    await stream.ended
    assert.match(stream.head(), /401/, "a header that is sent is the one that counts")
    const response = await fetch(`${server.url}/api/v1/agents/a/subscribe?api_key=dev-user-key&profile=2`)
    assert.strictEqual(response.status, 200)
    await response.body?.cancel()
  })

  it("12.5: an id that is none of this log: told, and live from there", async () => {
    await using server = await serving()
    const id = await create(server)
    const { sequence } = await say(server, id)
    for (const given of [String(sequence + 1000), "-1", "abc", "1e400"]) {
      const stream = await subscribed(server, `/intents/${id}/subscribe`, { "Last-Event-ID": given })
      const resync = await stream.next()
      assert.deepStrictEqual([resync.event, resync.data.reason], ["resync", "unknown_event_id"])
      const next = await say(server, id)
      assert.strictEqual((await stream.next()).id, String(next.sequence))
      stream.close()
    }
  })

  it("12.5: the header wins over the query, and 0 is the beginning", async () => {
    await using server = await serving()
    const id = await create(server)
    const { sequence } = await say(server, id)
    const stream = await subscribed(server, `/intents/${id}/subscribe?last_event_id=${sequence}`, {
      "Last-Event-ID": "0"
    })
    assert.strictEqual((await stream.next()).event, "intent_created")
    assert.strictEqual((await stream.next()).event, "comment")
    stream.close()
  })

  it("12.2: a comment after silence, and none while there is something to say", async () => {
    await using server = await serving({ keepaliveInterval: Duration.millis(75) })
    const id = await create(server)
    const stream = await subscribed(server, `/intents/${id}/subscribe`)
    for (let i = 0; i < 2; i++) {
      const frame = await stream.next()
      assert.deepStrictEqual([frame.event, frame.data], [":", "keepalive"])
    }
    await say(server, id)
    let frame = await stream.next()
    while (frame.event === ":") frame = await stream.next()
    assert.strictEqual(frame.event, "comment")
    stream.close()
  })

  it("12.6: a client that does not read is cut off, and may resume without a gap", async () => {
    await using server = await serving({ streamBufferMax: 10 })
    const id = await create(server)
    const stream = await subscribed(server, `/intents/${id}/subscribe`)
    stream.socket.pause()
    const text = "x".repeat(150_000)
    for (let i = 0; i < 90; i++) await say(server, id, { event_type: "comment", payload: { text, i } })
    stream.socket.resume()
    await stream.ended
    assert.isBelow(stream.frames.length, 90)
    const seen = stream.frames.map((frame) => frame.data.payload.i)
    assert.deepStrictEqual(
      seen,
      seen.map((_, i) => i)
    )
    const rest = await subscribed(server, `/intents/${id}/subscribe`, { "Last-Event-ID": stream.frames.at(-1)!.id! })
    for (let i = seen.length; i < 90; i++) assert.strictEqual((await rest.next()).data.payload.i, i)
    rest.close()
  })

  it("the end of the server ends streams at once", async () => {
    const server = await serving({}, memory(), { patience: "20 seconds" })
    const id = await create(server)
    const stream = await subscribed(server, `/intents/${id}/subscribe`)
    const since = performance.now()
    await server.close()
    await stream.ended
    assert.isBelow(performance.now() - since, 3000)
  })

  it("a method that streams do not have is refused", async () => {
    await using server = await serving(quick)
    const { headers, status } = await server.ask("POST", "/api/v1/agents/a/subscribe", { body: {} })
    assert.strictEqual(status, 405)
    assert.include(headers.get("allow") ?? "", "GET")
  })
})
