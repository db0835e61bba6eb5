/** Following events in a terminal. */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { join } from "node:path"
import type { LogEvent } from "../../../src/core/event/LogEvent.ts"
import { OpenIntent } from "../../../src/core/OpenIntent.ts"
import { connect, createEngine } from "../../../src/layers/createEngine.ts"
import { memory } from "../../../src/layers/memory.ts"
import type { Target } from "../../../src/layers/cli/engine.ts"
import { eventLine, eventsOf, type Scope, scopeOf } from "../../../src/layers/cli/tailing.ts"
import { newFolder, openintent, run, node, bin, started } from "../processes.ts"

const file: Target = { _tag: "Storage", databaseUrl: "sqlite:./work.db" }
const server: Target = { _tag: "Server", url: new URL("http://127.0.0.1:8000"), apiKey: Redacted.make("key") }

const none = { intents: [], agent: Option.none<string>(), portfolio: Option.none<string>() }

const plain = (_format: string, text: string) => text

describe("tail", () => {
  it.each([
    [none, { _tag: "Everything" }, /no stream of all events/],
    [{ ...none, intents: ["a"] }, { _tag: "Intents", ids: ["a"] }, undefined],
    [{ ...none, intents: ["a", "b"] }, { _tag: "Intents", ids: ["a", "b"] }, /give one/],
    [{ ...none, agent: Option.some("w") }, { _tag: "Agent", id: "w" }, undefined],
    [{ ...none, portfolio: Option.some("p") }, { _tag: "Portfolio", id: "p" }, undefined]
  ])("%j is %j; over HTTP refused as %s", (given, expected, refused) => {
    const of = (target: Target) => Effect.runSync(Effect.result(scopeOf(given, target)))
    assert.deepStrictEqual<unknown>(of(file), Result.succeed(expected))
    const remote = of(server)
    if (refused === undefined) assert.deepStrictEqual<unknown>(remote, Result.succeed(expected))
    else
      assert.isTrue(Result.isFailure(remote) && refused.test(remote.failure.message) && remote.failure.exitCode === 2)
  })

  it("takes one kind of scope", () => {
    const both = { ...none, intents: ["a"], agent: Option.some("w") }
    assert.isTrue(Result.isFailure(Effect.runSync(Effect.result(scopeOf(both, file)))))
  })

  it("shows an event in one line, whatever is in it", () => {
    const event: LogEvent = {
      position: 7,
      id: "e",
      intentId: "i",
      type: "comment",
      actor: "wri\u001b[2Jter",
      source: "client",
      payload: { text: "two\nlines\u202e", long: "x".repeat(1000) },
      extra: null,
      traceId: null,
      parentEventId: null,
      createdAt: DateTime.makeUnsafe(0)
    }
    const line = eventLine(event, plain)
    assert.match(line, /^ {6}7 {2}1970-01-01T00:00:00\.000Z {2}i {2}comment {17}wri \[2Jter {4}\{"text":"two\\nlines "/)
    assert.isBelow(line.length, 300)
    assert.isTrue([...line].every((character) => character >= " " && character !== "\u202e"))
    assert.isTrue(eventLine({ ...event, payload: {}, actor: "a" }, plain).endsWith("a"))
  })
})

describe("tail --once", () => {
  it.effect("gives what there is and ends: all, of an intent, after a position, of an agent", () =>
    OpenIntent.use((engine) =>
      Effect.gen(function* () {
        const { id } = yield* engine.intents.create({ title: "one" })
        yield* engine.intents.create({ title: "other" })
        yield* engine.agents.assign(id, { agentId: "writer" })
        yield* engine.events.append(id, { type: "comment" })
        yield* engine.intents.create({ title: "another" })
        const of = (scope: Scope, after?: number) =>
          Effect.gen(function* () {
            const running = yield* Effect.forkChild(Stream.runCollect(eventsOf(engine, { scope, after, once: true })))
            // For a group it is silence that tells: first it gets the time to read what there is.
            for (let turn = 0; turn < 100; turn++) yield* Effect.yieldNow
            yield* TestClock.adjust("5 seconds")
            return (yield* Fiber.join(running)).map(({ position }) => position)
          })
        assert.deepStrictEqual(yield* of({ _tag: "Everything" }), [1, 2, 3, 4, 5])
        assert.deepStrictEqual(yield* of({ _tag: "Everything" }, 5), [])
        assert.deepStrictEqual(yield* of({ _tag: "Intents", ids: [id] }), [1, 3, 4])
        assert.deepStrictEqual(yield* of({ _tag: "Intents", ids: [id] }, 1), [3, 4])
        assert.deepStrictEqual(yield* of({ _tag: "Agent", id: "writer" }), [3, 4])
        assert.deepStrictEqual(yield* of({ _tag: "Agent", id: "nobody" }), [])
      })
    ).pipe(Effect.provide(memory()))
  )
})

describe("openintent tail", () => {
  const made = async (cwd: string) => {
    await using engine = await createEngine({ storage: `sqlite:${join(cwd, "openintent.db")}` })
    const [one, other] = [
      await engine.intents.create({ title: "one" }),
      await engine.intents.create({ title: "other" })
    ]
    await engine.agents.assign(one.id, { agentId: "writer" })
    await engine.events.append(one.id, { type: "comment", payload: { n: 1 } })
    return [one.id, other.id] as const
  }
  const positions = (stdout: string) =>
    stdout
      .split("\n")
      .flatMap((line) => /^ *(\d+) /.exec(line)?.[1] ?? [])
      .map(Number)

  it("prints what is there and ends", async () => {
    const cwd = newFolder()
    const [one, other] = await made(cwd)
    const of = async (...args: ReadonlyArray<string>) => {
      const { code, stderr, stdout } = await openintent(["tail", "--once", ...args], { cwd }).ended
      assert.deepStrictEqual([code, stderr], [0, ""])
      return stdout
    }
    assert.deepStrictEqual(positions(await of(one, other, "--type", "intent_created, comment")), [1, 2, 4])
    const [line] = (await of(one, "--json", "--type", "comment")).split("\n")
    assert.deepInclude(JSON.parse(line ?? ""), {
      intent_id: one,
      event_type: "comment",
      sequence: 4,
      payload: { n: 1 }
    })
  })

  it("follows a server over its restart, without a gap, and ends with 0 when it is told to", async () => {
    const cwd = newFolder()
    const [one] = await made(cwd)
    const serve = async (port = "0") => {
      const server = openintent(["serve", "--port", port], { cwd })
      return { server, url: (await started(server)).annotations.url }
    }
    const first = await serve()
    const remote = openintent(["tail", one, "--url", first.url, "--after", "0"], { cwd })
    const local = openintent(["tail", one, "--after", "1"], { cwd })
    await Promise.all([remote.until(/^ +4 /m), local.until(/^ +4 /m)])
    first.server.process.kill("SIGKILL")
    await first.server.ended
    const { url } = await serve(new URL(first.url).port)
    await using engine = await connect({ url, apiKey: "dev-user-key" })
    await engine.events.append(one, { type: "comment", payload: { n: 2 } })
    await Promise.all([remote.until(/^ +5 /m), local.until(/^ +5 /m)])
    remote.process.kill("SIGINT")
    local.process.kill("SIGTERM")
    const [ended, other] = await Promise.all([remote.ended, local.ended])
    assert.deepStrictEqual([ended.code, ended.stderr, positions(ended.stdout)], [0, "", [1, 3, 4, 5]])
    assert.deepStrictEqual([other.code, other.stderr, positions(other.stdout)], [0, "", [3, 4, 5]])
  })

  it("ends quietly when nobody reads any more, and tells what it cannot look at", async () => {
    const cwd = newFolder()
    await made(cwd)
    const piped = (args: string) =>
      run(
        "bash",
        ["-c", `set -o pipefail; "${node}" "${bin("openintent")}" tail ${args} | head -n 1; echo "\${PIPESTATUS[0]}"`],
        { cwd }
      ).ended
    const [quiet, unknown, missing, unreachable] = await Promise.all([
      piped("--after 0 --once"),
      openintent(["tail", "nobody"], { cwd }).ended,
      openintent(["tail"]).ended,
      openintent(["tail", "--agent", "a", "--url", "http://127.0.0.1:9"], { cwd }).ended
    ])
    assert.deepStrictEqual([quiet.stderr, quiet.stdout.trim().split("\n").at(-1)], ["", "0"])
    for (const { code, stderr, stdout } of [unknown, missing, unreachable]) {
      assert.deepStrictEqual([code, stdout], [2, ""])
      assert.match(stderr, /^openintent: [^\n]+\n$/)
    }
  })
})
