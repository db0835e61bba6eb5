/** What commands print: aligned text for people, JSON for programs. */
import * as Effect from "effect/Effect"
import { CommandFailed, textOf } from "./failure.ts"

const isClosed = (error: Error): boolean => "code" in error && (error.code === "EPIPE" || error.code === "EOF")

/**
 * Writes to stdout and waits until it is taken. Whoever read it may have left (`| head`): then the command ends there,
 * quietly.
 */
const write = (text: string): Effect.Effect<void, CommandFailed> =>
  Effect.callback((resume) => {
    process.stdout.write(text, (error) => {
      if (error === undefined || error === null) resume(Effect.void)
      else resume(isClosed(error) ? Effect.interrupt : new CommandFailed({ message: `cannot write: ${textOf(error)}` }))
    })
  })

export const writeLine = (line: string): Effect.Effect<void, CommandFailed> => write(`${line}\n`)

/** A result both ways. `document` has the names that are promised to programs, in snake_case as on the wire. */
export interface Printable {
  readonly document: object
  readonly lines: ReadonlyArray<string>
}

/** The whole result of a command: one JSON document, or its lines. */
export const print = (asJson: boolean, { document, lines }: Printable): Effect.Effect<void, CommandFailed> =>
  write(asJson ? `${JSON.stringify(document, null, 2)}\n` : lines.map((line) => `${line}\n`).join(""))

/** One element of a stream, as one JSON line. */
export const printLine = (document: object): Effect.Effect<void, CommandFailed> => writeLine(JSON.stringify(document))

// What a terminal takes for an order: texts of others must not move its cursor. A tab would break the columns.
// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g

/** A text of somebody else in one line, with an ellipsis where it is longer than `charactersMax`. */
export const oneLine = (text: string, charactersMax = 200): string => {
  const line = text.replaceAll(unprintable, " ").trim()
  return line.length <= charactersMax ? line : `${line.slice(0, charactersMax - 1).toWellFormed()}…`
}

/** Rows as lines whose columns are aligned. The last column is as wide as it likes. */
export const aligned = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths: Array<number> = []
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  }
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd()
  )
}

/** As in `1.5 MiB`. */
export const bytesText = (bytes: number): string => {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const scaled = bytes / 1024 ** power
  return `${power === 0 || scaled >= 100 ? Math.round(scaled) : Math.round(scaled * 10) / 10} ${units[power]}`
}

/** The two largest units, as in `2 h 5 min`; less than a second is `0.25 s`. */
export const durationText = (millis: number): string => {
  if (millis < 10_000) return `${Math.round(millis / 10) / 100} s`
  const units = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"]
  ] as const
  let rest = Math.round(millis / 1000)
  const parts = units.flatMap(([seconds, unit]) => {
    const count = Math.floor(rest / seconds)
    rest -= count * seconds
    return count === 0 ? [] : [`${count} ${unit}`]
  })
  return parts.slice(0, 2).join(" ")
}
