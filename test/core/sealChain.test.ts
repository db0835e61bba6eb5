import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { hash } from "node:crypto"
import type { LogEvent } from "../../src/core/event/LogEvent.ts"
import { compare, type Link, linksOf } from "../../src/core/seal/chain.ts"
import { GrowingSeals, runMax } from "../../src/core/seal/Growing.ts"
import { hashOf } from "../../src/core/seal/hash.ts"
import type { Run } from "../../src/core/seal/tables.ts"
import type { ChainBreak } from "../../src/core/seal/Verification.ts"
import { at } from "./records.ts"

const sha256 = (text: string) => hash("sha256", text, "base64url")

const eventAt = (position: number, fields: Partial<LogEvent> = {}): LogEvent => ({
  position,
  id: `e${position}`,
  intentId: "i",
  type: "x.note",
  actor: "ann",
  source: "client",
  payload: { n: position },
  extra: null,
  traceId: null,
  parentEventId: null,
  createdAt: at(1000 + position),
  ...fields
})

/** The rows that are written for events, in their order. */
const rowsOf = (events: ReadonlyArray<LogEvent>): ReadonlyArray<Run> => {
  const growing = new GrowingSeals(sha256)
  for (const event of events) growing.add(event, event.position)
  for (const intentId of growing.unknown) growing.learn(intentId, undefined)
  return growing.take().flatMap((write) => (write._tag === "Put" && "digests" in write.record ? [write.record] : []))
}

const linksFor = (events: ReadonlyArray<LogEvent>): ReadonlyArray<Link> => rowsOf(events).flatMap(linksOf)

const start = { position: 0, digest: null }

const found = (
  events: ReadonlyArray<LogEvent>,
  links: ReadonlyArray<Link>,
  expect?: { readonly sequence: number; readonly hash: string }
): ChainBreak | undefined =>
  compare(sha256, start, events, links, {
    expect,
    goesOnFrom: (digest) => digest === (links.at(-1)?.digest ?? null)
  }).break

/** Changes of an event, each of another field. */
const changes: ReadonlyArray<(event: LogEvent) => LogEvent> = [
  (event) => ({ ...event, id: `${event.id}0` }),
  (event) => ({ ...event, intentId: "j" }),
  (event) => ({ ...event, type: "x.other" }),
  (event) => ({ ...event, actor: "bob" }),
  (event) => ({ ...event, source: "system" }),
  (event) => ({ ...event, payload: { n: String(event.position) } }),
  (event) => ({ ...event, payload: { ...event.payload, more: null } }),
  (event) => ({ ...event, traceId: "" }),
  (event) => ({ ...event, parentEventId: "p" }),
  (event) => ({ ...event, createdAt: at(event.createdAt.epochMilliseconds + 1) })
]

const Log = Schema.Struct({
  /** Between positions: there are events of other intents. */
  gaps: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 }))),
  place: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })),
  other: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })),
  change: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: changes.length - 1 }))
})

const holds = (
  name: string,
  property: (given: {
    readonly events: ReadonlyArray<LogEvent>
    readonly i: number
    readonly j: number
    readonly change: (event: LogEvent) => LogEvent
  }) => boolean
) =>
  it.effect(name, () =>
    Effect.gen(function* () {
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.schema(Log),
        ({ change, gaps, other, place }) =>
          Effect.sync(() => {
            let position = 0
            const events = [1, 1, ...gaps].map((gap) => eventAt((position += gap)))
            const how = changes[change] ?? assert.fail()
            return property({ events, i: place % events.length, j: other % events.length, change: how })
          }),
        { runs: 200, size: 100 }
      )
      assert.strictEqual(result._tag, "Passed", Arbitrary.formatCheckFailure(result))
    })
  )

const without = <A>(items: ReadonlyArray<A>, i: number) => items.toSpliced(i, 1)

describe("the chain of an intent", () => {
  holds("is whole for any log", ({ events }) => found(events, linksFor(events)) === undefined)

  holds("tells the event of which any field was changed", ({ change, events, i }) => {
    const event = events[i] ?? assert.fail()
    const broken = found(events.with(i, change(event)), linksFor(events))
    return broken?.kind === "changed" && broken.sequence === event.position && broken.expected !== broken.found
  })

  holds("tells the first event that was removed, at the end too", ({ events, i }) => {
    const one = found(without(events, i), linksFor(events))
    const tail = found(events.slice(0, i), linksFor(events))
    const { position } = events[i] ?? assert.fail()
    return [one, tail].every((broken) => broken?.kind === "removed" && broken.sequence === position)
  })

  holds("tells the event that was put in", ({ events, i }) => {
    const { position } = events[i] ?? assert.fail()
    const broken = found(events, linksFor(without(events, i)))
    return broken?.kind === "added" && broken.sequence === position && broken.eventId === `e${position}`
  })

  holds("tells the first of two events that were swapped", ({ events, i, j }) => {
    if (i === j) return true
    const [first, second] = [events[Math.min(i, j)] ?? assert.fail(), events[Math.max(i, j)] ?? assert.fail()]
    const swapped = events.map((event) =>
      event === first
        ? { ...second, position: first.position }
        : event === second
          ? { ...first, position: second.position }
          : event
    )
    const broken = found(swapped, linksFor(events))
    return broken?.kind === "changed" && broken.sequence === first.position
  })

  holds("tells the seal that was changed", ({ events, i }) => {
    const links = linksFor(events)
    const link = links[i] ?? assert.fail()
    const digest = sha256("another")
    const broken = found(events, links.with(i, { ...link, digest }))
    return broken?.kind === "changed" && broken.sequence === link.position && broken.expected === hashOf(digest)
  })

  holds("tells the first event whose seals are gone", ({ events, i }) => {
    const rows = rowsOf(events)
    if (rows.length < 2) return true
    const gone = i % (rows.length - 1)
    const first = rows[gone]?.positions[0]
    const broken = found(events, without(rows, gone).flatMap(linksOf))
    return rows[gone + 1]?.positions.length === 0 || (broken?.kind === "chain" && broken.sequence === first)
  })

  holds("is no other one: log and seals rewritten together break a point that was noted", ({ change, events, i }) => {
    const noted = linksFor(events)[i] ?? assert.fail()
    const expect = { sequence: noted.position, hash: hashOf(noted.digest) }
    const event = events[i] ?? assert.fail()
    const forged = events.with(i, change(event)).map((one) => ({ ...one, intentId: "i" }))
    const isSame = forged[i]?.intentId === event.intentId && found(forged, linksFor(events)) === undefined
    const shorter = without(events, i)
    return (
      found(events, linksFor(events), expect) === undefined &&
      (isSame || found(forged, linksFor(forged), expect)?.sequence === expect.sequence) &&
      (i === events.length - 1 || found(shorter, linksFor(shorter), expect)?.sequence === expect.sequence)
    )
  })

  it("fills rows and begins new ones where the last one ended", () => {
    const events = Array.from({ length: 2 * runMax + 3 }, (_, i) => eventAt(i + 1))
    const [first, second, head, ...others] = rowsOf(events)
    assert.deepStrictEqual(
      [first, second, head].map((row) => row?.positions.length),
      [runMax, runMax, 3]
    )
    assert.deepStrictEqual(others, [])
    assert.strictEqual(first?.previous, null)
    assert.strictEqual(second?.previous, first?.digests.slice(-43))
    assert.strictEqual(head?.previous, second?.digests.slice(-43))
  })

  it("takes any row for one that somebody may have written", () => {
    const row = { previous: null, positions: [1, 2], digests: "" }
    assert.deepStrictEqual(linksOf({ ...row, positions: "12" as never }), [])
    assert.deepStrictEqual(linksOf({ ...row, digests: 1 as never }), [])
    assert.deepStrictEqual(linksOf({ ...row, positions: ["1" as never, 2] }), [])
    assert.deepStrictEqual(
      linksOf(row).map(({ digest }) => digest),
      ["", ""]
    )
  })
})
