/** A figure measured several times: its median, and the quartiles around it. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
  readonly samples: number
}

/** The value below which this share of the samples lies, between two samples by their distance. */
const quantile = (sorted: ReadonlyArray<number>, share: number): number => {
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? below
  return below + (above - below) * (place - Math.floor(place))
}

export const spread = (samples: ReadonlyArray<number>): Spread => {
  const sorted = samples.toSorted((a, b) => a - b)
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
    samples: sorted.length
  }
}

export const median = (samples: ReadonlyArray<number>): number => spread(samples).median

/** Sample by sample, one divided by the other: both were measured next to each other. */
export const ratios = (of: ReadonlyArray<number>, to: ReadonlyArray<number>): ReadonlyArray<number> =>
  of.map((value, i) => value / (to[i] ?? Number.NaN))
