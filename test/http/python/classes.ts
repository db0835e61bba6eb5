/**
 * What the Python clients read of an answer (client.md 4, http.md 2, "PC needs"): a missing key, a name that is in none
 * of their enums or a date they cannot parse raises there, and the whole answer is lost.
 */
import { assert } from "vitest"
import { laterTypes, legacyTypes } from "../../../src/core/event/eventTypes.ts"

export type Reads = (body: any, at?: string) => void

const text: Reads = (value, at) => assert.isString(value, at)
const count: Reads = (value, at) => assert.isTrue(Number.isInteger(value), at)
const amount: Reads = (value, at) => assert.isNumber(value, at)
const flag: Reads = (value, at) => assert.isBoolean(value, at)
const object: Reads = (value, at) => assert.isTrue(value?.constructor === Object, `${at}: ${JSON.stringify(value)}`)
/** `datetime.fromisoformat` of Python 3.10: no `Z`; and naive, since it is compared with a naive now. */
const date: Reads = (value, at) => assert.match(value, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/, at)

const oneOf =
  (...names: ReadonlyArray<string>): Reads =>
  (value, at) =>
    assert.include(names, value, at)

const nullable =
  (reads: Reads): Reads =>
  (value, at) => {
    if (value !== null) reads(value, at)
  }

const listOf =
  (reads: Reads): Reads =>
  (value, at) => {
    assert.isArray(value, at)
    for (const [i, item] of value.entries()) reads(item, `${at}[${i}]`)
  }

const mapOf =
  (reads: Reads): Reads =>
  (value, at) => {
    object(value, at)
    for (const [key, item] of Object.entries(value)) reads(item, `${at}.${key}`)
  }

const classOf =
  (fields: { readonly [name: string]: Reads }): Reads =>
  (body, at = "body") => {
    object(body, at)
    for (const [name, reads] of Object.entries(fields)) {
      assert.property(body, name, at)
      reads(body[name], `${at}.${name}`)
    }
  }

/** An object with these keys, whose rest does not matter: every list comes in one. */
export const under = classOf

export const raw = object

/** 204, or a body that is not looked at. */
export const nothing: Reads = () => undefined

const intentFields = {
  id: text,
  title: text,
  description: text,
  version: count,
  status: oneOf("draft", "active", "blocked", "completed", "abandoned"),
  state: object,
  constraints: object,
  parent_intent_id: nullable(text),
  depends_on: listOf(text),
  created_at: date,
  updated_at: date,
  created_by: text,
  confidence: amount,
  governance_policy: nullable(object)
}
export const Intent = classOf(intentFields)
export const intents = (name: string) => under({ [name]: listOf(Intent) })

const eventOf = (types: ReadonlySet<string>) =>
  classOf({
    id: text,
    intent_id: text,
    event_type: oneOf(...types),
    agent_id: text,
    actor: text,
    payload: object,
    sequence: count,
    created_at: date
  })
export const Event = eventOf(new Set([...legacyTypes, ...laterTypes]))
/** Of the clients before 0.17. */
export const LegacyEvent = eventOf(legacyTypes)

export const Lease = classOf({
  id: text,
  intent_id: text,
  agent_id: text,
  scope: text,
  status: oneOf("active", "released", "expired", "revoked"),
  expires_at: date,
  created_at: date
})

export const Assignment = classOf({ id: text, intent_id: text, agent_id: text, role: text, assigned_at: date })

export const ArbitrationRequest = classOf({
  id: text,
  intent_id: text,
  requester_id: text,
  reason: text,
  context: object,
  status: text,
  created_at: date
})

export const Decision = classOf({
  id: text,
  intent_id: text,
  decision_maker_id: text,
  decision_type: text,
  outcome: text,
  reasoning: text,
  created_at: date
})

export const Attachment = classOf({
  id: text,
  intent_id: text,
  filename: text,
  mime_type: text,
  size: count,
  storage_url: text,
  metadata: object,
  uploaded_by: text,
  created_at: date,
  createdAt: date
})

export const Subscription = classOf({
  id: text,
  subscriber_id: text,
  intent_id: nullable(text),
  portfolio_id: nullable(text),
  event_types: listOf(text),
  webhook_url: nullable(text),
  active: flag,
  expires_at: nullable(date),
  expiresAt: nullable(date),
  created_at: date,
  createdAt: date
})

export const Cost = classOf({
  id: text,
  intent_id: text,
  agent_id: text,
  cost_type: text,
  amount,
  unit: text,
  provider: nullable(text),
  metadata: object,
  cost_metadata: object,
  recorded_at: date,
  recordedAt: date
})
export const CostSummary = classOf({ total: amount, by_type: mapOf(amount), by_agent: mapOf(amount) })

export const RetryPolicy = classOf({
  id: text,
  intent_id: text,
  strategy: oneOf("none", "fixed", "exponential", "linear"),
  max_retries: count,
  base_delay_ms: count,
  max_delay_ms: count,
  fallback_agent_id: nullable(text),
  failure_threshold: count,
  createdAt: date,
  updatedAt: date
})

export const Failure = classOf({
  id: text,
  intent_id: text,
  agent_id: text,
  attempt_number: count,
  error_code: nullable(text),
  error_message: nullable(text),
  retry_scheduled_at: nullable(date),
  retryScheduledAt: nullable(date),
  resolved_at: nullable(date),
  resolvedAt: nullable(date),
  metadata: object,
  createdAt: date
})

export const AggregateStatus = classOf({ total: count, by_status: mapOf(count), completion_percentage: count })

const portfolioFields = {
  id: text,
  name: text,
  description: text,
  created_by: text,
  createdBy: text,
  status: oneOf("active", "completed", "abandoned"),
  metadata: object,
  governance_policy: object,
  createdAt: date,
  updatedAt: date,
  aggregate_status: AggregateStatus
}
export const Portfolio = classOf(portfolioFields)
const role = oneOf("primary", "member", "dependency")
export const members = listOf(classOf({ ...intentFields, role, priority: count }))
export const PortfolioWithMembers = classOf({ ...portfolioFields, intents: members })
export const Membership = classOf({
  id: text,
  portfolio_id: text,
  intent_id: text,
  role,
  priority: count,
  added_at: date
})

export const several = listOf
