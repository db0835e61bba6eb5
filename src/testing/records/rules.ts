/** Arbitration and attachments: invariants 42 to 44 of semantics 10. */
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import { canonical, isSame } from "../canonical.ts"
import type { Trace } from "../scene.ts"
import type { Rule as SuiteRule } from "../Suite.ts"
import type { RecordAct, World } from "./acts.ts"

type Rule = SuiteRule<Trace<RecordAct, World>>

const worldsOf = ({ end, scenes }: Trace<RecordAct, World>): ReadonlyArray<World> => [
  ...scenes.map((scene) => scene.after),
  end
]

const resolvedOnce: Rule = {
  id: "42",
  title: "an arbitration is resolved by at most one decision, not before it was asked for, and decisions do not change",
  family: "records",
  *judge(trace) {
    for (const world of worldsOf(trace)) {
      for (const { arbitrations, decisions } of world.intents.values()) {
        for (const { createdAt, id, resolution, resolvedAt, status } of arbitrations) {
          const by = decisions.filter((decision) => decision.arbitrationId === id)
          if (by.length !== (status === "resolved" ? 1 : 0)) yield `${id} is ${status} by ${by.length} decisions`
          if ((status === "resolved") !== (resolvedAt !== null)) yield `${id} is ${status} at ${canonical(resolvedAt)}`
          if (resolvedAt !== null && DateTime.isLessThan(resolvedAt, createdAt))
            yield `${id} was resolved before it was asked for`
          if (by.length === 1 && !isSame(resolution, by[0]?.outcome))
            yield `${id} has another resolution than its decision`
        }
        const known = new Set(arbitrations.map((arbitration) => arbitration.id))
        for (const { arbitrationId, id } of decisions)
          if (arbitrationId !== null && !known.has(arbitrationId))
            yield `${id} resolves ${arbitrationId} of another intent`
      }
    }
    for (const { acts, after, before } of trace.scenes) {
      for (const [id, { arbitrations, decisions }] of before.intents) {
        const later = after.intents.get(id)
        if (!isSame(decisions, later?.decisions.slice(0, decisions.length))) yield `decisions on ${id} have changed`
        const resolved = arbitrations.filter(({ status }) => status === "resolved")
        for (const one of resolved) {
          const now = later?.arbitrations.find((other) => other.id === one.id)
          if (!isSame(one, now)) yield `${one.id} was resolved, and has changed`
        }
      }
      const [only, ...others] = acts
      if (only?._tag !== "Decide" || others.length > 0 || Result.isFailure(only.result)) continue
      const { arbitrationId, decisionType, intentId } = only.result.success
      const [oldest] = before.intents.get(intentId)?.arbitrations.filter(({ status }) => status === "pending") ?? []
      if (decisionType === "arbitration" && oldest !== undefined && arbitrationId === null)
        yield `the decision ${only.result.success.id} resolves none, but ${oldest.id} was pending`
    }
  }
}

const content: Rule = {
  id: "43",
  title: "an attachment has the size of its content, and its download is exactly that",
  family: "records",
  *judge(trace) {
    for (const { attached, intents } of worldsOf(trace)) {
      for (const { attachments, contents } of intents.values()) {
        for (const { id, size } of attachments) {
          const given = attached.find(({ attachment }) => attachment.id === id)?.bytes ?? []
          if (size !== given.length) yield `${id} has size ${size}, but ${given.length} bytes were given`
          if (!isSame(contents.get(id), given)) yield `${id} is ${canonical(contents.get(id))}, not ${canonical(given)}`
        }
      }
    }
  }
}

const ownPath: Rule = {
  id: "44",
  title: "an attachment is removed through its own intent, and only there",
  family: "records",
  *judge({ scenes }) {
    for (const { acts, after } of scenes) {
      const removed = new Set(
        acts.flatMap((act) =>
          act._tag === "Detach" && !act.elsewhere && Result.isSuccess(act.result) ? act.attachment.id : []
        )
      )
      for (const act of acts) {
        if (act._tag !== "Detach") continue
        const { attachment, elsewhere, result } = act
        const there = after.intents.get(attachment.intentId)?.attachments.some(({ id }) => id === attachment.id)
        if (elsewhere && Result.isSuccess(result)) yield `${attachment.id} was removed through another intent`
        if (removed.has(attachment.id) && there === true) yield `${attachment.id} was removed, and is still there`
      }
      for (const { attachment } of after.attached) {
        const there =
          after.intents.get(attachment.intentId)?.attachments.some(({ id }) => id === attachment.id) ?? false
        const gone = scenes
          .slice(0, scenes.findIndex((scene) => scene.after === after) + 1)
          .some((scene) =>
            scene.acts.some(
              (act) =>
                act._tag === "Detach" &&
                act.attachment.id === attachment.id &&
                !act.elsewhere &&
                Result.isSuccess(act.result)
            )
          )
        if (there === gone) yield `${attachment.id} is ${there ? "still there" : "gone, and nobody removed it"}`
      }
    }
  }
}

export const rules: ReadonlyArray<Rule> = [resolvedOnce, content, ownPath]
