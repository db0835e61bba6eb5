import type * as DateTime from "effect/DateTime"

/** What rules get beside what is stored, so that they stay pure. */
export interface Env {
  readonly now: DateTime.Utc
  readonly newId: () => string
}
