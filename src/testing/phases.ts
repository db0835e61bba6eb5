/** Programs: phases that follow each other, each of one command or of several at the same time. */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"

/** A command, and whether it runs at the same time as the one before. Shrinks towards a program without races. */
const Entry = <Command>(command: Schema.Codec<Command>, joins: ReadonlyArray<boolean>) =>
  Schema.Struct({ command, joins: Schema.Literals(joins) })

const phasesOf = <Command>(
  entries: ReadonlyArray<{ readonly command: Command; readonly joins: boolean }>,
  together: number
): ReadonlyArray<ReadonlyArray<Command>> => {
  const phases: Array<Array<Command>> = []
  for (const { command, joins } of entries) {
    const last = phases.at(-1)
    if (joins && last !== undefined && last.length < together) last.push(command)
    else phases.push([command])
  }
  return phases
}

/** At most `length` commands, of which at most `together` run at the same time. */
export const programsOf = <Command>(
  command: Schema.Codec<Command>,
  length: number,
  together: number,
  joins = [false, false, true]
): Arbitrary.Arbitrary<ReadonlyArray<ReadonlyArray<Command>>> =>
  Arbitrary.array(Arbitrary.schema(Entry(command, joins)), { maxLength: length }).pipe(
    Arbitrary.map((entries) => phasesOf(entries, together))
  )
