/**
 * What the events of an intent add up to (decision 28). Pure. Their payloads are stored as clients sent them (http.md
 * 16), so nothing in them is taken at its word: what is no count of tokens counts nothing.
 */
import type { LogEvent } from "../event/LogEvent.ts"
import { nameWithin, otherNames } from "../figureNames.ts"
import type { Json, JsonObject } from "../json.ts"
import type { LlmRollUp, LlmUsage } from "./Llm.ts"

/** The events that usage is made of: answers, and what tells a stream that is part of a request from one by itself. */
export const usageTypes = [
  "llm_request_started",
  "llm_request_completed",
  "llm_request_failed",
  "stream_completed",
  "stream_cancelled"
] as const

/** A request that is answered by a stream, from its start to the end of that stream. */
interface Streaming {
  readonly requestId: string
  readonly agentId: string
  readonly model: string
}

export interface LlmFigure extends LlmRollUp {
  readonly streaming: ReadonlyArray<Streaming>
}

const nothing: LlmUsage = { requests: 0, promptTokens: 0, completionTokens: 0, totalTokens: 0 }

export const noUsage: LlmFigure = { ...nothing, byModel: {}, byAgent: {}, streaming: [] }

const nameLength = 255
const unknownName = "unknown"
/** Requests whose stream has not ended. Where their agent died it never will, so the oldest are forgotten. */
const streamingMax = 100

const tokens = (value: Json | undefined): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined

const text = (value: Json | undefined): string => (typeof value === "string" ? value : "")

const nameOf = (value: Json | undefined): string => {
  const name = text(value)
  return name === "" ? unknownName : name.length > nameLength ? otherNames : name
}

/** Stays a number that JSON keeps, however large the numbers that somebody makes up. */
const sum = (a: number, b: number): number => Math.min(a + b, Number.MAX_SAFE_INTEGER)

const plus = (a: LlmUsage, b: LlmUsage): LlmUsage => ({
  requests: sum(a.requests, b.requests),
  promptTokens: sum(a.promptTokens, b.promptTokens),
  completionTokens: sum(a.completionTokens, b.completionTokens),
  totalTokens: sum(a.totalTokens, b.totalTokens)
})

const under = (
  usages: { readonly [name: string]: LlmUsage },
  name: string,
  usage: LlmUsage
): { readonly [name: string]: LlmUsage } => {
  const key = nameWithin(name, Object.hasOwn(usages, name), Object.keys(usages).length)
  const before = Object.hasOwn(usages, key) ? usages[key] : undefined
  return { ...usages, [key]: plus(before ?? nothing, usage) } // A computed key: `__proto__` is a name like any other.
}

const counted = (figure: LlmFigure, agentId: string, model: string, usage: LlmUsage): LlmFigure => ({
  ...plus(figure, usage),
  byModel: under(figure.byModel, model, usage),
  byAgent: under(figure.byAgent, agentId, usage),
  streaming: figure.streaming
})

const usageOf = (payload: JsonObject): LlmUsage => {
  const promptTokens = tokens(payload["prompt_tokens"]) ?? 0
  const completionTokens = tokens(payload["completion_tokens"]) ?? 0
  const totalTokens = tokens(payload["total_tokens"]) ?? sum(promptTokens, completionTokens)
  return { requests: 1, promptTokens, completionTokens, totalTokens }
}

const without = <A>(items: ReadonlyArray<A>, index: number): ReadonlyArray<A> =>
  index === -1 ? items : items.toSpliced(index, 1)

/**
 * A request tells its tokens when it is completed. A stream tells those that it carried: they are the completion of the
 * streamed request that its agent has under way with its model, whose own event tells them again; they count by
 * themselves where there is no such request, or where it will not be completed, because the stream was cancelled.
 */
export const addUsage = (figure: LlmFigure, { actor, payload, type }: LogEvent): LlmFigure => {
  const model = nameOf(payload["model"])
  const { streaming } = figure
  switch (type) {
    case "llm_request_started": {
      if (payload["stream"] !== true) return figure
      const started = { requestId: nameOf(payload["request_id"]), agentId: actor, model }
      return { ...figure, streaming: [...streaming, started].slice(-streamingMax) }
    }
    case "llm_request_completed":
    case "llm_request_failed": {
      const requestId = nameOf(payload["request_id"])
      const index = streaming.findIndex((one) => one.requestId === requestId && one.agentId === actor)
      const ended = index === -1 ? figure : { ...figure, streaming: without(streaming, index) }
      return type === "llm_request_failed" ? ended : counted(ended, actor, model, usageOf(payload))
    }
    case "stream_completed":
    case "stream_cancelled": {
      const index = streaming.findIndex((one) => one.agentId === actor && one.model === model)
      const ended = index === -1 ? figure : { ...figure, streaming: without(streaming, index) }
      const isToldAgain = index !== -1 && type === "stream_completed"
      const carried = tokens(payload["tokens_streamed"]) ?? 0
      if (isToldAgain || (type === "stream_cancelled" && carried === 0)) return ended
      const requests = type === "stream_completed" ? 1 : 0
      return counted(ended, actor, model, {
        requests,
        promptTokens: 0,
        completionTokens: carried,
        totalTokens: carried
      })
    }
    default:
      return figure
  }
}
