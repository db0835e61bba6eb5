/** The table that `npm run bench` prints. */
import { type Goal, isMet, type Row } from "./Row.ts"
import type { Spread } from "./statistics.ts"

const digits = (value: number): string =>
  value >= 1000
    ? String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",")
    : value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)

const figure = ({ high, low, median }: Spread): string => `${digits(median)} (${digits(low)}..${digits(high)})`

const goalText = ({ aim, is, value }: Goal): string =>
  `${is === "at least" ? ">=" : "<="} ${value}${aim === undefined ? "" : `, aim ${aim}`}`

const verdict = (row: Row): string => {
  const met = isMet(row)
  return met === undefined ? "" : met ? "yes" : "NO"
}

const ratioText = ({ high, low, median }: Spread): string =>
  `${median.toFixed(2)} (${low.toFixed(2)}..${high.toFixed(2)})`

const header = ["what", "unit", "engine", "held against", "its figure", "ratio", "goal", "met"]

const cells = (row: Row): ReadonlyArray<string> => [
  row.what,
  row.unit,
  figure(row.engine),
  row.limit?.name ?? "",
  row.limit === undefined ? "" : figure(row.limit),
  row.ratio === undefined ? "" : ratioText(row.ratio),
  row.goal === undefined ? "for information" : goalText(row.goal),
  verdict(row)
]

/** Rows as columns of text. Figures are medians with their quartiles. Notes follow below, by number. */
export const table = (rows: ReadonlyArray<Row>): string => {
  const notes: Array<string> = []
  const lines = rows.map((row) => {
    if (row.note === undefined) return cells(row)
    notes.push(row.note)
    const [what = "", ...rest] = cells(row)
    return [`${what} [${notes.length}]`, ...rest]
  })
  const widths = header.map((name, i) => Math.max(name.length, ...lines.map((line) => line[i]?.length ?? 0)))
  const draw = (line: ReadonlyArray<string>) =>
    line
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd()
  const rule = widths.map((width) => "-".repeat(width)).join("  ")
  return [draw(header), rule, ...lines.map(draw), "", ...notes.map((note, i) => `[${i + 1}] ${note}`)].join("\n")
}
