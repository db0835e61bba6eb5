/** Streams: invariant 53 of semantics 10, for intents, portfolios and agents. */
import { canonical } from "../canonical.ts"
import type { Act, Trace } from "../scene.ts"
import type { Rule } from "../Suite.ts"
import type { World } from "./acts.ts"
import { eventsOf } from "./membership.ts"

const complete: Rule<Trace<Act, World>> = {
  id: "53",
  title: "streams of intents, portfolios and agents have each of their events once and in order, also from the middle",
  family: "streams",
  *judge({ end: { followed, log } }) {
    for (const { after, found, scope } of followed) {
      const [given, wanted] = [found, eventsOf(scope, log, after)].map((events) =>
        events.map(({ position }) => position)
      )
      if (given?.join() !== wanted?.join())
        yield `who follows ${canonical(scope)} after position ${after} gets ${canonical(given)}, but must get ${canonical(wanted)} of ${canonical(log.map(({ intentId, position, type }) => `${position} ${type} of ${intentId}`))}`
    }
  }
}

export const rules: ReadonlyArray<Rule<Trace<Act, World>>> = [complete]
