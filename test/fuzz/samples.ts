/** Bodies and queries that the server should take, from their schemas; names say what a type does not. */
import type { Random } from "../crash/random.ts"
import { type Contract, listOf, type Node, nodeOf } from "./contract.ts"
import type { Known } from "./known.ts"

export interface Sampling {
  readonly contract: Contract
  readonly known: Known
  readonly random: Random
}

export const agents = ["atlas", "borea", "cygnus", "agent:dev", "wörker", "d.e-f_1"]

const words = ["Release", "Plan", "Lint the tree", "漢字", "a", "Budget 2031", "é".repeat(50)]

/** A small object, with names that are worth trying even where all is well. */
const anObject = ({ random }: Sampling): unknown =>
  random.oneOf<() => unknown>([
    () => ({}),
    () => ({ a: random.below(100) }),
    () => ({ notes: [1, { b: null }], list: [] }),
    () => ({ constructor: "plain", toString: false }),
    () => JSON.parse('{"__proto__":{"polluted":true}}'),
    () => ({ "/odd~name": 1, "": 2 })
  ])()

const time = ({ random }: Sampling): unknown =>
  random.oneOf([
    "2031-05-06T07:08:09.123456",
    "2031-05-06T07:08:09Z",
    "2031-05-06T07:08:09+02:00",
    "1999-12-31T00:00:00"
  ])

const anIntent = ({ known, random }: Sampling) =>
  known.oneOf("intents", random) ?? "00000000-0000-7000-8000-000000000000"
const anAgent = ({ random }: Sampling) => random.oneOf(agents)
const seconds = ({ random }: Sampling) => random.oneOf([1, 60, 300, 86_400])
const milliseconds = ({ random }: Sampling) => random.oneOf([0, 1, 1000, 60_000])

/** By the name of a field; else its schema decides. */
const byName: { readonly [field: string]: (sampling: Sampling) => unknown } = {
  title: ({ random }) => random.oneOf(words),
  name: ({ random }) => random.oneOf(words),
  event_type: ({ random }) => random.oneOf(["comment", "comment", "llm_request_completed", "tool_call_started"]),
  scope: ({ random }) => random.oneOf(["state", "state.notes", "plan", "deploy", "state.a"]),
  role: ({ random }) => random.oneOf(["worker", "reviewer"]),
  path: ({ random }) => random.oneOf(["/notes", "/a", "/list/-", "/~1escaped", "plain", "/a/b"]),
  filename: ({ random }) => random.oneOf(["notes.txt", 'quo"te.txt', "漢字.png"]),
  mime_type: ({ random }) => random.oneOf(["text/plain", "application/json", "text/html; charset=utf-8"]),
  content_base64: ({ random }) => random.oneOf(["", "aGk=", "AAECAwQF"]),
  storage_url: () => "https://files.example/notes.txt",
  // Each that is active is attended to for as long as it is: too many would look like a leak.
  webhook_url: ({ random }) => (random.below(2) === 0 ? "https://hooks.example/sink" : null),
  outcome: ({ random }) => random.oneOf<unknown>(["keep both", { keep: "both" }]),
  secret: ({ random }) => random.oneOf(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "plain secret"]),
  unit: ({ random }) => random.oneOf(["USD", "USD", "tokens", "seconds"]),
  cost_type: ({ random }) => random.oneOf(["tokens", "compute"]),
  amount: ({ random }) => random.oneOf([0, 1, 0.1, 12.5, 1e-7]),
  confidence: ({ random }) => random.below(101) / 100,
  duration_seconds: seconds,
  ttl_seconds: seconds,
  attempt_number: ({ random }) => 1 + random.below(5),
  retry_attempt: ({ random }) => random.below(5),
  max_retries: ({ random }) => random.below(6),
  max_attempts: ({ random }) => 1 + random.below(6),
  failure_threshold: ({ random }) => 1 + random.below(5),
  backoff_multiplier: ({ random }) => 1 + random.below(3),
  base_delay_ms: milliseconds,
  max_delay_ms: milliseconds,
  base_delay_seconds: () => 1,
  max_delay_seconds: () => 60,
  size: ({ random }) => random.below(1000),
  priority: ({ random }) => random.below(10),
  dependency_id: anIntent,
  intent_id: anIntent,
  parent_intent_id: anIntent,
  depends_on: (sampling) => (sampling.random.below(3) === 0 ? [anIntent(sampling)] : []),
  failure_ids: (sampling) => {
    const id = sampling.known.oneOf("failures", sampling.random)
    return id === undefined ? [] : [id]
  },
  portfolio_id: ({ known, random }) => known.oneOf("portfolios", random) ?? null,
  arbitration_id: ({ known, random }) => known.oneOf("arbitrations", random),
  parent_event_id: ({ known, random }) => known.oneOf("events", random),
  expires_at: () => "2999-01-01T00:00:00Z",
  retry_scheduled_at: time,
  since: time,
  limit: ({ random }) => 1 + random.below(12),
  governance_policy: (sampling) => policy(sampling)
}

/** Policies forbid things: most forbid nothing, or everything that follows would be refused. */
const policy = ({ random }: Sampling): unknown =>
  random.oneOf<unknown>([
    {},
    {},
    {},
    { max_cost: 1000 },
    { completion_mode: "auto", note: "kept" },
    { require_status_reason: true },
    { write_scope: "any", quorum_threshold: 0.5, allowed_agents: [] }
  ])

const isAgent = (field: string) =>
  /(?:^|_)(?:agent_id|by|actor|subscriber_id|maker_id)$/.test(field) || field === "assign" || field === "allowed_agents"

const optionalShare = 4

/** A value of the schema; `field` is its name where it stands. */
export const sample = (sampling: Sampling, schema: unknown, field: string): unknown => {
  const { contract, random } = sampling
  const found = contract.resolve(schema)
  const named = byName[field]
  const options = listOf(found["anyOf"]).filter((option) => nodeOf(option)["type"] !== "null")
  const values = found["enum"]
  if (Array.isArray(values)) return random.oneOf(values)
  if (named !== undefined) return named(sampling)
  if (isAgent(field)) return found["type"] === "array" ? [anAgent(sampling)] : anAgent(sampling)
  if (options.length > 0) return random.below(8) === 0 ? null : sample(sampling, random.oneOf(options), field)
  switch (found["type"]) {
    case "object":
      return found["properties"] === undefined ? anObject(sampling) : sampleBody(sampling, found)
    case "array":
      return Array.from({ length: random.below(3) }, () => sample(sampling, found["items"] ?? {}, field))
    case "boolean":
      return random.below(2) === 0
    case "integer":
    case "number": {
      const { maximum = 100, minimum = 0 } = found
      const low = Math.max(0, Number(minimum))
      return low + random.below(Math.min(100, Number(maximum) - low) + 1)
    }
    case "string":
      return random.oneOf(words)
    default:
      return random.oneOf<unknown>([null, 1, "x", true, [], anObject(sampling)])
  }
}

/** The fields of a body: those that it must have, and now and then another. */
export const sampleBody = (sampling: Sampling, schema: Node): { readonly [name: string]: unknown } => {
  const required = new Set(listOf(schema["required"]))
  const body: { [name: string]: unknown } = {}
  for (const [name, property] of Object.entries(nodeOf(schema["properties"]))) {
    if (!required.has(name) && sampling.random.below(optionalShare) > 0) continue
    const value = sample(sampling, property, name)
    if (value !== undefined) body[name] = value
  }
  return body
}

/** What some operations want beyond their schemas. */
export const completed = (operation: string, sampling: Sampling, body: { readonly [name: string]: unknown }): Node => {
  switch (operation) {
    case "attachments.add":
      return "content_base64" in body ? body : { storage_url: "https://files.example/notes.txt", ...body }
    case "governance.recordDecision":
      return { outcome: "keep both", ...body }
    case "governance.setPolicy":
      return nodeOf(policy(sampling))
    case "intents.create":
    case "graph.createChild": {
      const { status, ...rest } = body
      return status === "completed" || status === "abandoned" ? rest : body
    }
    case "subscriptions.create":
      return "intent_id" in body && "portfolio_id" in body ? { ...body, portfolio_id: null } : body
    case "costs.settle": {
      const { unit: _, ...rest } = body
      return rest
    }
    default:
      return body
  }
}
