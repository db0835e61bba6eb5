/** The promise of the log that holds its proof. */
import { canonical } from "../canonical.ts"
import type { Act, Trace } from "../scene.ts"
import type { Rule } from "../Suite.ts"
import type { World } from "./acts.ts"

const provable: Rule<Trace<Act, World>> = {
  id: "sealed",
  title: "every event is sealed within seconds, in a chain that anybody can recompute from the log",
  family: "sealed",
  *judge({ end }) {
    for (const [id, { found, head, log }] of end) {
      if (!found.valid) yield `the log of ${id} is not what was sealed: ${canonical(found.break)}`
      if (found.unsealedCount > 0) yield `${found.unsealedCount} of ${log.length} events of ${id} are not sealed`
      if (found.eventCount !== log.length) yield `${found.eventCount} of ${log.length} events of ${id} were looked at`
      const last = log.at(-1)?.position
      if (found.head?.sequence !== last) yield `the chain of ${id} ends at ${found.head?.sequence}, its log at ${last}`
      if (found.head?.hash !== head) yield `the chain of ${id} ends with ${found.head?.hash}, its events give ${head}`
    }
  }
}

export const rules: ReadonlyArray<Rule<Trace<Act, World>>> = [provable]
