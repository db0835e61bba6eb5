/** The text that Prometheus reads (version 0.0.4), read strictly: whatever it does not allow is thrown. */

export interface Sample {
  readonly name: string
  readonly labels: { readonly [name: string]: string }
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly samples: ReadonlyArray<Sample>
}

const name = "[a-zA-Z_:][a-zA-Z0-9_:]*"
const label = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"`
const helpLine = new RegExp(`^# HELP (${name}) (.+)$`)
const typeLine = new RegExp(`^# TYPE (${name}) (counter|gauge|histogram|summary|untyped)$`)
const sampleLine = new RegExp(
  String.raw`^(${name})(?:\{(${label}(?:,${label})*)\})? ([+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf)|NaN)$`
)

const labelsOf = (text: string): { readonly [name: string]: string } =>
  Object.fromEntries(
    [...text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/g)].map(([, key = "", value = ""]) => [
      key,
      value.replaceAll(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char))
    ])
  )

const belongs = (family: { readonly name: string; readonly type: string }, sample: string): boolean =>
  family.type === "histogram"
    ? [`${family.name}_bucket`, `${family.name}_sum`, `${family.name}_count`].includes(sample)
    : sample === family.name

/** Each series of a histogram: its buckets grow with their bounds, and the last one has all. */
const checkHistogram = ({ name, samples }: Family): void => {
  const series = new Map<string, Array<Sample>>()
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels
    const key = JSON.stringify(labels)
    series.set(key, [...(series.get(key) ?? []), sample])
  }
  for (const [key, of] of series) {
    const buckets = of.filter((sample) => sample.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels }) => (labels["le"] === "+Inf" ? Infinity : Number(labels["le"])))
    const count = of.find((sample) => sample.name === `${name}_count`)?.value
    const isSorted = (values: ReadonlyArray<number>) => values.every((value, i) => i === 0 || value >= values[i - 1]!)
    const isWhole =
      bounds.at(-1) === Infinity &&
      isSorted(bounds) &&
      isSorted(buckets.map(({ value }) => value)) &&
      buckets.at(-1)?.value === count &&
      of.some((sample) => sample.name === `${name}_sum`)
    if (!isWhole) throw new Error(`the histogram ${name}${key} is not one`)
  }
}

export const parseExposition = (text: string): ReadonlyArray<Family> => {
  if (!text.endsWith("\n")) throw new Error("the last line does not end")
  const families: Array<{ name: string; help: string; type: string; samples: Array<Sample> }> = []
  const seen = new Set<string>()
  for (const line of text.slice(0, -1).split("\n")) {
    const family = families.at(-1)
    const help = helpLine.exec(line)
    const type = typeLine.exec(line)
    const sample = sampleLine.exec(line)
    if (help !== null) {
      const [, of = "", said = ""] = help
      if (families.some((other) => other.name === of)) throw new Error(`${of} comes twice`)
      families.push({ name: of, help: said, type: "", samples: [] })
    } else if (type !== null && family !== undefined && family.name === type[1] && family.type === "") {
      family.type = type[2] ?? ""
    } else if (sample !== null && family !== undefined && belongs(family, sample[1] ?? "")) {
      const [key = ""] = line.split(/ (?=[^ ]+$)/)
      if (seen.has(key)) throw new Error(`${key} comes twice`)
      seen.add(key)
      const value = Number((sample[3] ?? "").replace("Inf", "Infinity"))
      family.samples.push({ name: sample[1] ?? "", labels: labelsOf(sample[2] ?? ""), value })
    } else throw new Error(`not of the form: ${line}`)
  }
  for (const family of families) {
    if (family.samples.length === 0) throw new Error(`${family.name} has no sample`)
    if (family.type === "counter" && !family.name.endsWith("_total")) throw new Error(`${family.name} is no counter`)
    if (family.type === "histogram") checkHistogram(family)
  }
  return families
}

/** The value of a series; undefined where there is none. */
export const valueOf = (
  families: ReadonlyArray<Family>,
  of: string,
  labels: { readonly [name: string]: string } = {}
): number | undefined =>
  families
    .flatMap(({ samples }) => samples)
    .find(
      (sample) =>
        sample.name === of &&
        Object.keys(sample.labels).length === Object.keys(labels).length &&
        Object.entries(labels).every(([key, value]) => sample.labels[key] === value)
    )?.value
