import * as Data from "effect/Data"

/** No intent has the id that was to become a dependency. */
export class DependencyIntentNotFound extends Data.TaggedError("DependencyIntentNotFound")<{
  readonly dependencyId: string
}> {
  override get message() {
    return "Dependency intent not found"
  }
}

/** The intent does not depend on this one. */
export class DependencyNotFound extends Data.TaggedError("DependencyNotFound")<{
  readonly intentId: string
  readonly dependencyId: string
}> {
  override get message() {
    return "Dependency not found"
  }
}

export class DuplicateDependency extends Data.TaggedError("DuplicateDependency")<{
  readonly intentId: string
  readonly dependencyId: string
}> {
  override get message() {
    return "Dependency already exists"
  }
}

/** The intent is completed or abandoned: what it depends on does not change any more (semantics 10.18). */
export class IntentTerminal extends Data.TaggedError("IntentTerminal")<{
  readonly intentId: string
}> {
  override get message() {
    return "The intent is completed or abandoned"
  }
}
