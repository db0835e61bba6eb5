/** An embedded SQLite engine as its callers see it. */
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type { Intent } from "../../src/core/intent/Intent.ts"
import { OpenIntent, type OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { sqlite, type SqliteEngineOptions } from "../../src/layers/sqlite.ts"

export interface EngineRun {
  readonly engine: OpenIntentShape
  readonly run: <A, E>(effect: Effect.Effect<A, E>) => Promise<A>
}

/** Opens the engine on the file, by default with its defaults (`synchronous` is FULL), and closes it after `use`. */
export const withEngine = async <A>(
  file: string,
  use: (run: EngineRun) => Promise<A>,
  options?: SqliteEngineOptions
): Promise<A> => {
  await using runtime = ManagedRuntime.make(sqlite(file, options))
  const engine = await runtime.runPromise(OpenIntent)
  return await use({ engine, run: (effect) => runtime.runPromise(effect) })
}

/** Callers at the same time, each of which does its share of the operations, one after the other. */
export const callers = <E>(
  { run }: EngineRun,
  count: number,
  operations: number,
  operation: (caller: number, i: number) => Effect.Effect<unknown, E>
): Promise<void> => {
  const each = Math.ceil(operations / count)
  const one = (caller: number) => {
    let i = 0
    return Effect.whileLoop({
      while: () => i < each,
      body: () => operation(caller, i++),
      step: () => {}
    })
  }
  const all = Array.from({ length: count }, (_, caller) => one(caller))
  return run(Effect.all(all, { concurrency: "unbounded", discard: true }))
}

/** What a benchmark patches: a state of some 150 bytes, of which one key changes. */
const state = {
  progress: 0,
  owner: "agent-research",
  summary: "collects the sources and writes the first draft",
  sources: ["https://example.org/a", "https://example.org/b"]
}

/** New active intents. */
export const createIntents = ({ engine, run }: EngineRun, count: number): Promise<ReadonlyArray<Intent>> =>
  run(
    Effect.forEach(
      Array.from({ length: count }, (_, i) => i),
      (i) => engine.intents.create({ title: `Work package ${i}`, description: "One of many", state, status: "active" }),
      { concurrency: 64 }
    )
  )

/** Sets `progress` of an intent, with the version that the caller knows from its last answer. */
export const patcher = ({ engine }: EngineRun, intents: ReadonlyArray<Intent>) => {
  const versions = intents.map((intent) => intent.version)
  return (caller: number, i: number) =>
    Effect.map(
      engine.intents.patchState(intents[caller]!.id, {
        version: versions[caller]!,
        patches: [{ op: "set", path: "/progress", value: 1_000_000 + i }]
      }),
      (intent) => {
        versions[caller] = intent.version
      }
    )
}
