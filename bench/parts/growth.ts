/** Whether operations cost more when there is much more in the file. */
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { callers, type EngineRun, patcher, withEngine } from "../engine/EngineRun.ts"
import { copyFile, withFolder } from "../engine/files.ts"
import { hotShare, type Prefilled, prefill } from "../engine/prefill.ts"
import { type Contestant, interleave, timed } from "../measure/interleave.ts"
import { type Options, slices } from "../measure/Options.ts"
import { compared, type Row } from "../measure/Row.ts"

interface Store extends EngineRun, Prefilled {
  /** Events that were in the file when it was opened. */
  readonly events: number
}

type Operation = (caller: number, i: number) => Effect.Effect<unknown, unknown>

interface Measured {
  readonly what: string
  readonly callers: number
  /** Writes make a small file large, so each slice begins with a new copy of it. */
  readonly writes: boolean
  /** Prepares what the callers know, and answers what they do. */
  readonly make: (store: Store) => Promise<Operation>
  readonly note?: string
}

const patches = async (store: Store): Promise<Operation> =>
  patcher(store, await store.run(Effect.forEach(store.intentIds, (id) => store.engine.intents.get(id))))

const leases =
  async ({ engine, intentIds }: Store): Promise<Operation> =>
  (caller) =>
    Effect.flatMap(engine.leases.acquire(intentIds[caller]!, { scope: `bench-${caller}` }), ({ id }) =>
      engine.leases.release(intentIds[caller]!, id)
    )

/** Pages of the longest log, by turns: the newest, and the one after a cursor in its middle. */
const eventPages = async ({ engine, events, intentIds, run }: Store): Promise<Operation> => {
  const [hot = ""] = intentIds
  const { next } = await run(engine.events.list(hot, { limit: 50, offset: Math.floor(events * hotShare * 0.5) }))
  return (_, i) => engine.events.list(hot, { limit: 50, after: i % 2 === 0 ? undefined : next })
}

/** The last page of the longest log, by a cursor: as dear as the first, wherever it is (decision 11). */
const lastPage = async ({ engine, intentIds, run }: Store): Promise<Operation> => {
  const [hot = ""] = intentIds
  const { total } = await run(engine.events.list(hot, { limit: 1 }))
  const { next } = await run(engine.events.list(hot, { limit: 1, offset: Math.max(0, total - 51) }))
  return () => engine.events.list(hot, { limit: 50, after: next })
}

const replay = async ({ engine, events, intentIds }: Store): Promise<Operation> => {
  const [hot = ""] = intentIds
  return () => engine.events.list(hot, { limit: 50, order: "asc", afterPosition: Math.floor(events / 2) })
}

const intentPages =
  async ({ engine }: Store): Promise<Operation> =>
  () =>
    engine.intents.list({ limit: 50, status: "active" })

const sharedPages =
  "In a small file the intents of one commit share their pages; in a large one each has its own, and COMMIT writes them all."

const measured: ReadonlyArray<Measured & { readonly goal: boolean }> = [
  { what: "page of 50 events, longest log", callers: 1, writes: false, make: eventPages, goal: true },
  { what: "the last page of that log, by cursor", callers: 1, writes: false, make: lastPage, goal: true },
  {
    what: "the same by after_sequence, from the middle",
    callers: 1,
    writes: false,
    make: replay,
    goal: false,
    note: "Its total is counted from the index, up to 10,000 (decision 11)."
  },
  { what: "page of 50 intents, by status", callers: 1, writes: false, make: intentPages, goal: true },
  { what: "state patch, one caller", callers: 1, writes: true, make: patches, goal: true },
  { what: "acquire and release, one caller", callers: 1, writes: true, make: leases, goal: true },
  {
    what: "state patch, 64 callers on 64 intents",
    callers: 64,
    writes: true,
    make: patches,
    goal: false,
    note: sharedPages
  },
  {
    what: "acquire and release, 64 callers on 64 intents",
    callers: 64,
    writes: true,
    make: leases,
    goal: false,
    note: sharedPages
  }
]

/** Lets the engine count the events of the intents that are worked on, as one that had written them would have. */
const settle = async ({ engine, intentIds, run }: Store): Promise<void> => {
  await run(Effect.forEach(intentIds, (id) => engine.events.list(id, { limit: 1 }), { discard: true }))
  await setTimeout(1500)
}

/** Each slice on an engine that was just opened on a copy of the file, after a few operations that are not timed. */
const onCopies = ({ callers: count, make }: Measured, filled: Prefilled, events: number): Contestant => ({
  slice: (operations) =>
    withEngine(copyFile(filled.file, `${filled.file}.copy`), async (run) => {
      const store: Store = { ...run, ...filled, events }
      const operation = await make(store)
      await callers(store, count, count * 4, operation)
      return await timed((n) => callers(store, count, n, operation)).slice(operations)
    })
})

const inPlace = async ({ callers: count, make }: Measured, store: Store): Promise<Contestant> => {
  const operation = await make(store)
  return timed((operations) => callers(store, count, operations, operation))
}

const microseconds = (rates: ReadonlyArray<number>) => rates.map((rate) => 1e6 / rate)

const compare = async (options: Options, one: (typeof measured)[number], large: Store, small: Store): Promise<Row> => {
  const rates = await interleave(
    {
      large: await inPlace(one, large),
      small: one.writes ? onCopies(one, small, small.events) : await inPlace(one, small)
    },
    { ...slices(options, one.callers), ...(one.writes ? { sliceSeconds: 0.1 } : {}) }
  )
  return compared({
    what: `${one.what}, ${large.events.toLocaleString("en")} events`,
    unit: "µs",
    engine: microseconds(rates("large")),
    limit: microseconds(rates("small")),
    limitName: `the engine at ${small.events.toLocaleString("en")} events`,
    ...(one.goal ? { goal: { is: "at most", value: 1.3 } } : {}),
    ...(one.note === undefined ? {} : { note: one.note })
  })
}

/** One row an operation. */
export const growth = (options: Options): Promise<ReadonlyArray<Row>> =>
  withFolder(async (folder) => {
    const size = options.quick ? { events: 100_000, intents: 2000 } : { events: 1_000_000, intents: 10_000 }
    const few = await prefill(join(folder, "small.db"), { events: 1000, intents: 64 })
    const many = await prefill(join(folder, "large.db"), size)
    return await withEngine(many.file, (onMany) =>
      withEngine(copyFile(few.file, join(folder, "read.db")), async (onFew) => {
        const large: Store = { ...onMany, ...many, events: size.events }
        const small: Store = { ...onFew, ...few, events: 1000 }
        await settle(large)
        await settle(small)
        const rows: Array<Row> = []
        for (const one of measured) rows.push(await compare(options, one, large, small))
        return rows
      })
    )
  })
