/**
 * Whatever a server is sent, it answers as its document says (issue 4, invariants 12 and 55 to 57): 20,000 requests on
 * every run, as many as `OPENINTENT_FUZZ_REQUESTS` says otherwise, the same ones for the same `OPENINTENT_FUZZ_SEED`.
 */
import { assert, describe, it } from "vitest"
import { join } from "node:path"
import { newFolder } from "../layers/processes.ts"
import { oddities } from "./raw.ts"
import { growthMaxBytes, growthOf, type Report, run } from "./run.ts"

const requests = Number(process.env["OPENINTENT_FUZZ_REQUESTS"] ?? 20_000)
const seed = Number(process.env["OPENINTENT_FUZZ_SEED"] ?? 4)
/** Of all requests: the rest is asked of a server that keeps everything in memory. */
const onSqlite = Math.floor(requests / 5)

/** Of the answers. Without successes only the parser would be tested. */
const successShare = 0.3

/** So many requests meet everything; fewer may leave out what is rare. */
const wholeRun = 10_000

const sum = (counts: Iterable<number>) => [...counts].reduce((total, count) => total + count, 0)

const assertSound = (report: Report, replay: string) => {
  const { codes, found, measured, operations, requests: asked, statuses, successes } = report
  const told = found.map(({ answer, request, twists, wrong }) =>
    [wrong, `twisted: ${twists.join(", ") || "nothing"}`, request, answer].join("\n  ")
  )
  assert.isEmpty(told, `${told.join("\n\n")}\n\n${replay}`)
  for (const { touched, unexpected } of measured) {
    assert.isEmpty(touched, `prototypes are touched; ${replay}`)
    assert.isEmpty(unexpected, `nobody waited for it; ${replay}`)
  }
  // That it does not rot: every operation succeeds some time, and every kind of refusal is met.
  assert.isAbove(sum(successes.values()) / asked, successShare)
  if (asked < wholeRun) return
  assert.sameMembers(
    [...successes.keys()],
    operations.map(({ name }) => name)
  )
  assert.containsAllKeys(
    Object.fromEntries(statuses),
    [200, 204, 400, 401, 403, 404, 405, 409, 413, 415, 421, 422, 431]
  )
  assert.isAbove(codes.size, 20)
}

describe("the fuzz", () => {
  const replay = (count: number) => `OPENINTENT_FUZZ_SEED=${seed} OPENINTENT_FUZZ_REQUESTS=${count}`

  it(`${requests - onSqlite} requests, kept in memory`, { timeout: 300_000 + requests * 20 }, async () => {
    assertSound(await run({ storage: "memory:", requests: requests - onSqlite, seed }), replay(requests))
  })

  it(`${onSqlite} requests, kept in SQLite: no growth of memory`, { timeout: 300_000 + requests * 20 }, async () => {
    const report = await run({ storage: `sqlite:${join(newFolder(), "fuzz.db")}`, requests: onSqlite, seed: seed + 1 })
    assertSound(report, replay(requests))
    assert.isBelow(growthOf(report), growthMaxBytes(report), JSON.stringify(report.measured))
  })

  it("every limit on: what is too much is refused as documented", { timeout: 60_000 }, async () => {
    const { found, statuses } = await run({ storage: "memory:", limited: true, requests: 3000, seed: seed + 2 })
    assert.isEmpty(found, JSON.stringify(found))
    assert.containsAllKeys(Object.fromEntries(statuses), [200, 429])
  })

  it("sends what no client sends, by names that tell it apart", () => {
    assert.strictEqual(new Set(oddities.map(({ name }) => name)).size, oddities.length)
  })
})
