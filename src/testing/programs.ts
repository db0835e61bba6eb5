/** The kinds of programs of the first suite. */
import type * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as C from "./commands.ts"
import { programsOf } from "./phases.ts"

/** The commands of a phase run at the same time; the next phase begins when all have their answer. */
export type Phase = ReadonlyArray<C.Command>
export type Program = ReadonlyArray<Phase>

/** Kinds of programs, each with the commands that make its subject happen often. */
export type Family = "patches" | "races" | "leases" | "graph" | "log" | "everything"

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
