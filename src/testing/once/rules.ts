/** Calls with a key: decision 8. */
import * as Result from "effect/Result"
import { canonical } from "../canonical.ts"
import type { Trace } from "../scene.ts"
import type { Rule as SuiteRule } from "../Suite.ts"
import type { OnceAct, World } from "./acts.ts"

type Rule = SuiteRule<Trace<OnceAct, World>>

interface Sent {
  readonly scene: number
  readonly input: string
  readonly result: (OnceAct & { readonly _tag: "Send" })["result"]
}

const callsOf = ({ scenes }: Trace<OnceAct, World>): ReadonlyMap<string, ReadonlyArray<Sent>> => {
  const calls = new Map<string, Array<Sent>>()
  for (const [scene, { acts }] of scenes.entries()) {
    for (const act of acts) {
      if (act._tag !== "Send") continue
      const known = calls.get(act.call) ?? []
      calls.set(act.call, [...known, { scene, input: act.input, result: act.result }])
    }
  }
  return calls
}

const oneEffect: Rule = {
  id: "once",
  title: "however often a call comes with its key, it takes effect once, and not at all if it was refused each time",
  family: "once",
  *judge(trace) {
    const { effects } = trace.end
    for (const [call, sent] of callsOf(trace)) {
      const found = effects.filter((mark) => mark.startsWith(`${call} `)).length
      const wanted = sent.some(({ result }) => Result.isSuccess(result)) ? 1 : 0
      if (found !== wanted) yield `${call} was sent ${sent.length} times, and has ${found} effects, not ${wanted}`
    }
  }
}

const oneAnswer: Rule = {
  id: "same answer",
  title: "every call with the same key and input is answered as the first one was, whatever has changed since",
  family: "once",
  *judge(trace) {
    for (const [call, sent] of callsOf(trace)) {
      const answers = sent.flatMap(({ result }) => (Result.isSuccess(result) ? [canonical(result.success)] : []))
      if (new Set(answers).size > 1) yield `${call} has several answers: ${answers.join(" and ")}`
      const first = sent.find(({ result }) => Result.isSuccess(result))
      if (first === undefined) continue
      for (const { input, result, scene } of sent) {
        if (scene > first.scene && input === first.input && Result.isFailure(result) && result.failure._tag !== "Busy")
          yield `${call} was answered before, and is refused: ${result.failure.message}`
      }
    }
  }
}

const otherInput: Rule = {
  id: "key reused",
  title: "a key that comes with another input than the one that took effect is refused",
  family: "once",
  *judge(trace) {
    for (const [call, sent] of callsOf(trace)) {
      const answered = new Set(sent.flatMap(({ input, result }) => (Result.isSuccess(result) ? [input] : [])))
      if (answered.size > 1) yield `${call} was answered for several inputs`
      const first = sent.find(({ result }) => Result.isSuccess(result))
      if (first === undefined) continue
      for (const { input, result, scene } of sent) {
        if (scene <= first.scene || input === first.input || Result.isSuccess(result)) continue
        const { _tag } = result.failure
        if (_tag !== "IdempotencyKeyReused" && _tag !== "Busy") yield `${call} with ${input} is refused as ${_tag}`
      }
    }
  }
}

export const rules: ReadonlyArray<Rule> = [oneEffect, oneAnswer, otherInput]
