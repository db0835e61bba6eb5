import { median, ratios, spread, type Spread } from "./statistics.ts"

/** What the ratio of engine and limit should be. */
export interface Goal {
  readonly is: "at least" | "at most"
  readonly value: number
  /** What we would like it to be. */
  readonly aim?: number
}

/** One line of the table. */
export interface Row {
  /** What is done, by whom. */
  readonly what: string
  readonly unit: string
  readonly engine: Spread
  /** What the engine is held against, measured in the same run; none where the figure is for information. */
  readonly limit?: Spread & { readonly name: string }
  readonly ratio?: Spread
  readonly goal?: Goal
  /** What a reader of the figure should know. */
  readonly note?: string
}

/** A row whose ratio is that of samples measured next to each other. */
export const compared = (row: {
  readonly what: string
  readonly unit: string
  readonly engine: ReadonlyArray<number>
  readonly limit: ReadonlyArray<number>
  readonly limitName: string
  readonly goal?: Goal
  readonly note?: string
}): Row => {
  const { engine, limit, limitName, ...rest } = row
  return {
    ...rest,
    engine: spread(engine),
    limit: { name: limitName, ...spread(limit) },
    ratio: spread(ratios(engine, limit))
  }
}

/** The goal holds for the median. Undefined where there is none. */
export const isMet = ({ goal, ratio }: Row): boolean | undefined => {
  if (goal === undefined || ratio === undefined) return undefined
  return goal.is === "at least" ? ratio.median >= goal.value : ratio.median <= goal.value
}

/** The row of a figure that is held against nothing. */
export const alone = (what: string, unit: string, samples: ReadonlyArray<number>, note?: string): Row => ({
  what,
  unit,
  engine: spread(samples),
  ...(note === undefined ? {} : { note })
})

/** Microseconds for one operation, for notes. */
export const microseconds = (rates: ReadonlyArray<number>): string => `${(1e6 / median(rates)).toFixed(1)} µs`
