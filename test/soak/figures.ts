/** What a sample holds, and what many of them say. */

/** Taken while nothing is under way. */
export interface Sample {
  readonly seconds: number
  /** In use after a collection, with what lives beside the heap. */
  readonly heapBytes: number
  readonly residentBytes: number
  readonly descriptors: number
  readonly walBytes: number
  readonly fileBytes: number
  /** The slowest answer to `/health/live` since the sample before, under load. */
  readonly slowestMillis: number
}

type Point = readonly [x: number, y: number]

/** A slope by least squares, and its standard error. */
export interface Slope {
  readonly perX: number
  readonly error: number
}

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

const slopeOf = (points: ReadonlyArray<Point>): Slope => {
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  if (spread === 0 || points.length < 3) return { perX: 0, error: Number.POSITIVE_INFINITY }
  const perX = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread
  const residue = points.reduce((sum, [x, y]) => sum + (y - meanY - perX * (x - meanX)) ** 2, 0)
  return { perX, error: Math.sqrt(residue / (points.length - 2) / spread) }
}

/** The lowest of so many samples each: what is left when all has been collected that can be. */
const envelopeOf = (points: ReadonlyArray<Point>, width: number): ReadonlyArray<Point> =>
  Array.from({ length: Math.floor(points.length / width) }, (_, i) =>
    points.slice(i * width, (i + 1) * width).reduce((lowest, point) => (point[1] < lowest[1] ? point : lowest))
  )

const mebibyte = 1024 * 1024

/** Mebibytes an hour. */
export const growthOf = (samples: ReadonlyArray<Sample>, figure: "heapBytes" | "residentBytes"): Slope =>
  slopeOf(
    envelopeOf(
      samples.map((sample): Point => [sample.seconds / 3600, sample[figure] / mebibyte]),
      3
    )
  )
