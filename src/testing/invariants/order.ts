/** Linearizability: the promise behind all others (design 1.5). */
import * as Result from "effect/Result"
import type { Call, Instant, Step } from "../Call.ts"
import { difference } from "../model/difference.ts"
import { follow } from "../model/follow.ts"
import { modelOf, type ModelWorld, Unsure } from "../model/world.ts"
import type { Rule } from "./Rule.ts"

/** The first order of the calls in which each answer and what is stored afterwards are those of the model; else why not. */
const explain = (step: Step, at: Instant): string | undefined => {
  let why: string | undefined
  const search = (world: ModelWorld, left: ReadonlyArray<Call>): boolean => {
    if (left.length === 0) {
      const wrong = difference(world, step.after)
      why ??= wrong
      return wrong === undefined
    }
    return left.some((call) => {
      const next = follow(world, call, at)
      if (Result.isSuccess(next))
        return search(
          next.success,
          left.filter((other) => other !== call)
        )
      why ??= next.failure
      return false
    })
  }
  return search(modelOf(step.before), step.calls) ? undefined : (why ?? "no answer fits")
}

const ordered: Rule = {
  id: "order",
  title:
    "every answer, and what is stored, is that of the model; at the same time: of the model in some order (design 1.5)",
  family: "everything",
  *judge(history) {
    for (const step of history.steps) {
      const at = { from: step.before.at.from, to: step.after.at.to }
      try {
        const why = explain(step, at)
        if (why === undefined) continue
        const names = step.calls.map((call) => call.name).join(", ")
        yield step.calls.length > 1
          ? `no order of ${names} gives these answers: in the first that was tried, ${why}`
          : why
      } catch (error) {
        if (!(error instanceof Unsure)) throw error
      }
    }
  }
}

export const orderRules: ReadonlyArray<Rule> = [ordered]
