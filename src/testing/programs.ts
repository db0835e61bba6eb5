/** Programs: phases that follow each other, each of one command or of several at the same time. */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as C from "./commands.ts"

/** The commands of a phase run at the same time; the next phase begins when all have their answer. */
export type Phase = ReadonlyArray<C.Command>
export type Program = ReadonlyArray<Phase>

/** Kinds of programs, each with the commands that make its subject happen often. */
export type Family = "patches" | "races" | "leases" | "graph" | "log" | "everything"

/** A command, and whether it runs at the same time as the one before. Shrinks towards a program without races. */
const Entry = <C extends Schema.Codec<C.Command>>(command: C, joins: ReadonlyArray<boolean>) =>
  Schema.Struct({ command, joins: Schema.Literals(joins) })

const phasesOf = (
  entries: ReadonlyArray<{ readonly command: C.Command; readonly joins: boolean }>,
  together: number
): Program => {
  const phases: Array<Array<C.Command>> = []
  for (const { command, joins } of entries) {
    const last = phases.at(-1)
    if (joins && last !== undefined && last.length < together) last.push(command)
    else phases.push([command])
  }
  return phases
}

/** At most `length` commands, of which at most `together` run at the same time. */
const programsOf = (command: Schema.Codec<C.Command>, length: number, together: number, joins = [false, false, true]) =>
  Arbitrary.array(Arbitrary.schema(Entry(command, joins)), { maxLength: length }).pipe(
    Arbitrary.map((entries) => phasesOf(entries, together))
  )

const union = (...members: ReadonlyArray<Schema.Codec<C.Command>>): Schema.Codec<C.Command> => Schema.Union(members)

export const families: { readonly [F in Family]: Arbitrary.Arbitrary<Program> } = {
  patches: programsOf(union(C.Patch, C.SetNested, C.Patch, C.Acquire, C.ReleaseOwn, C.SetStatus), 24, 2),
  races: programsOf(union(C.Bump, C.Bump, C.SetStatus, C.Acquire, C.Acquire, C.Watch, C.CreateLinked), 24, 4, [
    false,
    true,
    true
  ]),
  leases: programsOf(
    union(
      C.Acquire,
      C.Acquire,
      C.Acquire,
      C.RenewOwn,
      C.Renew,
      C.ReleaseOwn,
      C.Release,
      C.Revoke,
      C.Pass,
      C.Pass,
      C.SetNested,
      C.Patch
    ),
    30,
    3
  ),
  graph: programsOf(
    union(C.CreateLinked, C.CreateLinked, C.Create, C.SetStatus, C.SetStatus, C.SetStatus, C.Watch),
    30,
    3
  ),
  log: programsOf(union(C.Append, C.Append, C.Assign, C.Assign, C.Unassign, C.Create, C.Bump, C.Watch), 24, 3),
  everything: programsOf(
    union(
      C.Create,
      C.CreateLinked,
      C.Patch,
      C.SetNested,
      C.SetStatus,
      C.SetStatus,
      C.Append,
      C.Acquire,
      C.RenewOwn,
      C.Renew,
      C.ReleaseOwn,
      C.Revoke,
      C.Assign,
      C.Unassign,
      C.Watch,
      C.Pass
    ),
    30,
    4
  )
}
