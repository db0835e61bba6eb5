import * as Data from "effect/Data"
import type { Status } from "./Intent.ts"

export class IntentNotFound extends Data.TaggedError("IntentNotFound")<{
  readonly intentId: string
}> {
  override get message() {
    return "Intent not found"
  }
}

export class ParentNotFound extends Data.TaggedError("ParentNotFound")<{
  readonly parentIntentId: string
}> {
  override get message() {
    return "Parent intent not found"
  }
}

/** Ids in `dependsOn` that no intent has. */
export class UnknownDependency extends Data.TaggedError("UnknownDependency")<{
  readonly dependencyIds: ReadonlyArray<string>
}> {
  override get message() {
    return `unknown dependency: ${this.dependencyIds.join(", ")}`
  }
}

/** Ids of a longer path that a message names. */
const pathShown = 20

/** The dependency could never be met: `path` leads from the intent back to itself, or up to an ancestor (semantics 4.2). */
export class DependencyCycle extends Data.TaggedError("DependencyCycle")<{
  readonly path: ReadonlyArray<string>
}> {
  override get message() {
    const { length } = this.path
    const shown =
      length <= pathShown
        ? this.path
        : [...this.path.slice(0, pathShown / 2), `… ${length - pathShown} more …`, ...this.path.slice(-pathShown / 2)]
    return `dependency cycle: ${shown.join(" -> ")}`
  }
}

/** Somebody else moved the intent on. Read it again; `current` is its version. */
export class VersionConflict extends Data.TaggedError("VersionConflict")<{
  readonly intentId: string
  readonly expected: number
  readonly current: number
}> {
  override get message() {
    return "Version conflict"
  }
}

/** The table of semantics 1.4 has no such edge. */
export class InvalidTransition extends Data.TaggedError("InvalidTransition")<{
  readonly from: Status
  readonly to: Status
}> {
  override get message() {
    return `an intent cannot go from ${this.from} to ${this.to}`
  }
}

export class DependenciesIncomplete extends Data.TaggedError("DependenciesIncomplete")<{
  /** Ids of the dependencies that are not completed. */
  readonly unmet: ReadonlyArray<string>
}> {
  override get message() {
    return `${this.unmet.length} of its dependencies are not completed`
  }
}

export class ChildrenIncomplete extends Data.TaggedError("ChildrenIncomplete")<{
  /** Ids of some direct children that are neither completed nor abandoned, at most 100. */
  readonly open: ReadonlyArray<string>
}> {
  override get message() {
    return "some of its children are neither completed nor abandoned"
  }
}

/** A patch that the stored state does not allow: it crosses what is no object, or appends to what is no array. */
export class InvalidPatch extends Data.TaggedError("InvalidPatch")<{
  /** Which of the patches, from 0. */
  readonly index: number
  readonly path: string
  readonly reason: string
}> {
  override get message() {
    return `patches[${this.index}] (${this.path}): ${this.reason}`
  }
}
