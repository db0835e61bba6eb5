/** Something that is measured in slices: each call does `operations` and answers the seconds they took. */
export interface Contestant {
  readonly slice: (operations: number) => Promise<number>
}

/** A synchronous or asynchronous piece of work, timed. */
export const timed = (work: (operations: number) => void | Promise<void>): Contestant => ({
  slice: async (operations) => {
    const start = performance.now()
    await work(operations)
    return (performance.now() - start) / 1000
  }
})

export interface InterleaveOptions {
  /** Slices of each that count. */
  readonly rounds: number
  /** How long each runs before. */
  readonly warmUpSeconds: number
  /** How long a slice of the slowest should last. The number of operations follows from it and is the same for all. */
  readonly sliceSeconds: number
  /** Operations come in multiples of this: the number of callers. */
  readonly step: number
}

/** Runs all of them until they are as fast as they get, and answers how many operations the slowest does in a slice. */
const warmUp = async (
  contestants: ReadonlyArray<Contestant>,
  { sliceSeconds, step, warmUpSeconds }: InterleaveOptions
): Promise<number> => {
  const until = performance.now() + warmUpSeconds * 1000 * contestants.length
  let operations = step
  for (;;) {
    let slowest = 0
    for (const { slice } of contestants) slowest = Math.max(slowest, await slice(operations))
    const wanted = Math.max(1, Math.round((operations * sliceSeconds) / slowest / step)) * step
    if (slowest >= sliceSeconds / 4 && performance.now() >= until) return wanted
    operations = Math.min(operations * 2, wanted)
  }
}

/**
 * Operations per second of each, slice by slice. All take their slices in turn, and every second round in the opposite
 * order, so that what disturbs the machine disturbs all of them. All do the same number of operations, so that what
 * they write grows alike.
 */
export const interleave = async <Name extends string>(
  contestants: Readonly<Record<Name, Contestant>>,
  options: InterleaveOptions
): Promise<(name: Name) => ReadonlyArray<number>> => {
  const entries = Object.entries<Contestant>(contestants)
  const operations = await warmUp(
    entries.map(([, contestant]) => contestant),
    options
  )
  const rates = new Map<string, Array<number>>(entries.map(([name]) => [name, []]))
  for (let round = 0; round < options.rounds; round++) {
    for (const [name, { slice }] of round % 2 === 0 ? entries : entries.toReversed()) {
      rates.get(name)?.push(operations / (await slice(operations)))
    }
  }
  return (name) => rates.get(name) ?? []
}
