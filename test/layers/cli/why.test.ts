/** What `openintent why` finds and says. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { OpenIntent, type OpenIntentShape } from "../../../src/core/OpenIntent.ts"
import { memory } from "../../../src/layers/memory.ts"
import { explain } from "../../../src/layers/why/explain.ts"
import { gather } from "../../../src/layers/why/gather.ts"
import { show } from "../../../src/layers/why/show.ts"
import { newFolder, openintent, script } from "../processes.ts"
import { writeFileSync } from "node:fs"
import { join } from "node:path"

const why = (id: string) => OpenIntent.use((engine) => Effect.map(gather(engine, id), (facts) => explain(facts)))

/** A case of its own engine. */
const told = (name: string, test: (engine: OpenIntentShape) => Effect.Effect<void, unknown, OpenIntent>) =>
  it.effect(name, () => Effect.provide(OpenIntent.use(test), memory()))

const codes = (explanation: { readonly reasons: ReadonlyArray<{ readonly code: string }> }) =>
  explanation.reasons.map(({ code }) => code)

/** The engine, and the names of the calls that were made of it. */
const counting = (engine: OpenIntentShape) => {
  const calls: Array<string> = []
  const counted = (name: string, noun: object) =>
    Object.fromEntries(
      Object.entries(noun).map(([call, member]: [string, unknown]) => [
        call,
        typeof member === "function"
          ? (...args: ReadonlyArray<unknown>): unknown => {
              calls.push(`${name}.${call}`)
              return Reflect.apply(member, undefined, args)
            }
          : member
      ])
    )
  const nouns = Object.entries(engine).map(([name, noun]) => [name, counted(name, noun)])
  return { calls, engine: Object.fromEntries(nouns) as OpenIntentShape }
}

describe("why an intent waits", () => {
  told("a draft waits for somebody who sets it to active", (engine) =>
    Effect.gen(function* () {
      const { id } = yield* engine.intents.create({ title: "one" })
      const found = yield* why(id)
      assert.deepStrictEqual([found.code, codes(found)], ["draft", ["draft"]])
      assert.strictEqual(found.answer, "It waits for somebody who sets it to active: it is a draft.")
    })
  )

  told("nothing: ready for anybody, or for those assigned or allowed", (engine) =>
    Effect.gen(function* () {
      const { id, version } = yield* engine.intents.create({ title: "one", status: "active" })
      assert.strictEqual((yield* why(id)).answer, "It is ready, for anybody.")
      yield* engine.governance.setPolicy(id, { version, policy: { allowed_agents: ["reader", "writer"] } })
      assert.strictEqual((yield* why(id)).answer, "It is ready, for reader, writer.")
      yield* engine.agents.assign(id, { agentId: "writer" })
      const found = yield* why(id)
      assert.deepStrictEqual([found.code, found.answer], ["ready", "It is ready, for writer."])
    })
  )

  told("what is over waits for nothing", (engine) =>
    Effect.gen(function* () {
      const { id, version } = yield* engine.intents.create({ title: "one" })
      yield* engine.intents.setStatus(id, { version, status: "abandoned" })
      const found = yield* why(id)
      assert.deepStrictEqual([found.code, found.answer], ["terminal", "It waits for nothing: it is abandoned."])
    })
  )

  told("dependencies, and what they wait for in turn", (engine) =>
    Effect.gen(function* () {
      const data = yield* engine.intents.create({ title: "collect", status: "active" })
      const clean = yield* engine.intents.create({ title: "clean", dependsOn: [data.id] })
      const report = yield* engine.intents.create({ title: "report", dependsOn: [clean.id] })
      const found = yield* why(report.id)
      assert.strictEqual(found.code, "dependencies")
      assert.strictEqual(
        found.answer,
        `It waits for the completion of "clean" (blocked), and that for "collect" (active).`
      )
      assert.deepStrictEqual(found.reasons[0]?.lines, [
        `${clean.id} "clean" is blocked`,
        `  ${data.id} "collect" is active`
      ])
      yield* engine.intents.setStatus(data.id, { version: data.version, status: "abandoned" })
      assert.match((yield* why(clean.id)).reasons[0]?.lines[0] ?? "", /is abandoned, and will never be completed/)
    })
  )

  told("1,000 dependencies and 1,000 children: few lines, few calls", (engine) =>
    Effect.gen(function* () {
      const { id: parentIntentId } = yield* engine.intents.create({ title: "root", status: "active" })
      const all = yield* Effect.forEach(
        Array.from({ length: 1000 }, (_, i) => i),
        (i) => engine.intents.create({ title: `part ${i}`, parentIntentId }),
        { concurrency: "unbounded" }
      )
      const leaves = all.map(({ id }) => id)
      const middle = yield* Effect.forEach(
        Array.from({ length: 100 }, (_, i) => i),
        (i) => engine.intents.create({ title: `middle ${i}`, dependsOn: leaves })
      )
      const { id } = yield* engine.intents.create({ title: "end", dependsOn: middle.map(({ id }) => id) })
      for (const intentId of [id, parentIntentId]) {
        const counted = counting(engine)
        const found = explain(yield* gather(counted.engine, intentId))
        assert.isBelow(counted.calls.length, 40)
        const { document, lines } = show(found)
        assert.isBelow(lines.length, 60)
        assert.isBelow(JSON.stringify(document).length, 20_000)
        assert.strictEqual(found.reasons[0]?.total, intentId === id ? 100 : 1000)
        assert.match(lines.join("\n"), intentId === id ? /and 90 more/ : /and 990 more/)
      }
    })
  )

  told("a lease: who works on it, and for how long at most", (engine) =>
    Effect.gen(function* () {
      const { id } = yield* engine.intents.create({ title: "one", status: "active" })
      yield* OpenIntent.as("writer")(engine.leases.acquire(id, { scope: "text", duration: "5 minutes" }))
      yield* TestClock.adjust("2 minutes")
      const found = yield* why(id)
      assert.deepStrictEqual(
        [found.code, found.answer],
        ["lease", "It is being worked on: writer works on text, for another 3 min at most."]
      )
    })
  )

  told("a decision, money, the next attempt, approvals and children, in this order", (engine) =>
    Effect.gen(function* () {
      const { id, version } = yield* engine.intents.create({
        title: "one",
        status: "active",
        constraints: { max_cost: 1 }
      })
      yield* engine.governance.setPolicy(id, { version, policy: { completion_mode: "require_approval" } })
      yield* engine.intents.create({ title: "child", parentIntentId: id })
      yield* engine.governance.requestApproval(id, { action: "complete" })
      yield* engine.retries.setPolicy(id, { strategy: "fixed", baseDelay: "1 minute" })
      const failure = yield* engine.retries.recordFailure(id, { errorCode: "timeout" })
      yield* engine.costs.record(id, { costType: "custom", amount: 1, unit: "USD" })
      yield* engine.governance.requestArbitration(id, { reason: "which one?" })
      const found = yield* why(id)
      assert.deepStrictEqual(codes(found), ["arbitration", "budget", "retry", "children", "approval"])
      assert.strictEqual(found.answer, "It waits for a decision on 1 arbitration.")
      assert.deepStrictEqual(found.reasons[1]?.lines, ["1 of 1 USD spent"])
      assert.strictEqual(found.reasons[2]?.message, "attempt 2, in 1 min")
      assert.deepStrictEqual(
        found.reasons.map(({ blocks }) => blocks),
        ["work", "work", "work", "completion", "completion"]
      )
      yield* engine.retries.resolveFailures(id, [failure.id])
      assert.notInclude(codes(yield* why(id)), "retry")
      // What was told when a limit was passed is told here, once.
      yield* engine.costs.record(id, { costType: "custom", amount: 2, unit: "USD" })
      assert.deepStrictEqual((yield* why(id)).reasons[1]?.lines, ["3 of 1 USD spent"])
    })
  )

  told("assignment, where only those assigned may write", (engine) =>
    Effect.gen(function* () {
      const { id, version } = yield* engine.intents.create({ title: "one", status: "active" })
      yield* engine.governance.setPolicy(id, { version, policy: { write_scope: "assigned_only" } })
      assert.strictEqual((yield* why(id)).code, "policy")
      yield* engine.agents.assign(id, { agentId: "writer" })
      assert.strictEqual((yield* why(id)).code, "ready")
    })
  )

  told("what was set to blocked by somebody", (engine) =>
    Effect.gen(function* () {
      const { id, version } = yield* engine.intents.create({ title: "one", status: "active" })
      yield* engine.intents.setStatus(id, { version, status: "blocked" })
      assert.strictEqual((yield* why(id)).code, "blocked")
    })
  )
})

describe("openintent why", () => {
  it("answers in text and in JSON, and tells what it cannot look at", async () => {
    const cwd = newFolder()
    const file = join(cwd, "make.mjs")
    writeFileSync(
      file,
      `import { createEngine } from ${JSON.stringify(new URL("../../../src/index.ts", import.meta.url).href)}
      const engine = await createEngine({ storage: "sqlite:./openintent.db" })
      console.log((await engine.intents.create({ title: "one", status: "active" })).id)
      await engine.close()`
    )
    const id = (await script(file, { cwd }).ended).stdout.trim()
    const [text, json, unknown, missing, both] = await Promise.all([
      openintent(["why", id], { cwd }).ended,
      openintent(["why", id, "--json"], { cwd }).ended,
      openintent(["why", "nobody"], { cwd }).ended,
      openintent(["why", id]).ended,
      openintent(["why", id, "--url", "http://127.0.0.1:1", "--database-url", "memory:"]).ended
    ])
    assert.deepStrictEqual(text, {
      code: 0,
      stdout: `It is ready, for anybody.\n\n${id} "one" is active\n`,
      stderr: ""
    })
    assert.deepInclude(JSON.parse(json.stdout), { intent_id: id, code: "ready", reasons: [] })
    for (const { code, stderr, stdout } of [unknown, missing, both]) {
      assert.deepStrictEqual([code, stdout], [2, ""])
      assert.match(stderr, /^openintent: [^\n]+\n$/)
    }
    assert.match(missing.stderr, /cannot look into/)
  })
})
