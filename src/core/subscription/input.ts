/** What callers give (http.md 11.1, 11.2), checked. */
import type * as DateTime from "effect/DateTime"
import type * as Result from "effect/Result"
import type { ValidationError } from "../Errors.ts"
import type { PageRequest } from "../paging.ts"
import { readPageRequest } from "../paging.ts"
import { Checks, limits } from "../validate.ts"
import { secretIssue } from "./signing.ts"
import type { CreateSubscription, ListSubscriptions } from "./Subscription.ts"

/** More than there are known types. */
const eventTypesMax = 1000
const urlLengthMax = 2048
const secretLengthMax = 1000

/** The URL, if a webhook can be sent there at all. Which addresses are allowed, the sender knows. */
const readUrl = (checks: Checks, value: unknown): URL | null => {
  if (value === undefined || value === null) return null
  const text = checks.readText("webhookUrl", value, 1, urlLengthMax)
  if (text === "") return null
  const url = URL.parse(text)
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    checks.add("webhookUrl", "must be a URL with http or https")
    return null
  }
  // Not repeated to the caller: what it names may be a password.
  if (url.username !== "" || url.password !== "") checks.add("webhookUrl", "must not hold credentials")
  return url
}

const readEventTypes = (checks: Checks, value: unknown): ReadonlyArray<string> => {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) {
    checks.add("eventTypes", "must be an array of strings")
    return []
  }
  if (value.length > eventTypesMax) {
    checks.add("eventTypes", `must have at most ${eventTypesMax} elements`)
    return []
  }
  // `map` would pass over holes.
  const types = Array.from(value, (type: unknown, i) => checks.readText(`eventTypes[${i}]`, type, 1, limits.nameLength))
  return [...new Set(types)]
}

export interface SubscriptionFields {
  readonly actor: string
  readonly subscriberId: string
  readonly intentId: string | null
  readonly portfolioId: string | null
  readonly eventTypes: ReadonlyArray<string>
  readonly webhookUrl: URL | null
  readonly expiresAt: DateTime.Utc | null
  readonly secret: string | undefined
}

const readId = (checks: Checks, field: string, value: unknown) =>
  checks.readOptionalText(field, value, limits.agentIdLength)

/** `refusal` tells of targets that are not allowed. */
export const readCreateSubscription = (
  input: CreateSubscription,
  agentId: string,
  refusal: (url: URL) => string | undefined
): Result.Result<SubscriptionFields, ValidationError> => {
  const checks = new Checks()
  const actor = checks.readAgent("agent", agentId)
  const intentId = readId(checks, "intentId", input.intentId) ?? null
  const portfolioId = readId(checks, "portfolioId", input.portfolioId) ?? null
  if (intentId !== null && portfolioId !== null) checks.add("portfolioId", "must not be given together with intentId")
  const webhookUrl = readUrl(checks, input.webhookUrl)
  const refused = webhookUrl === null ? undefined : refusal(webhookUrl)
  if (refused !== undefined) checks.add("webhookUrl", refused)
  const secret =
    input.secret === undefined || input.secret === null
      ? undefined
      : checks.readText("secret", input.secret, 1, secretLengthMax)
  const wrong = secret === undefined ? undefined : secretIssue(secret)
  if (wrong !== undefined) checks.add("secret", wrong)
  return checks.finish({
    actor,
    subscriberId: input.subscriberId === undefined ? actor : checks.readAgent("subscriberId", input.subscriberId),
    intentId,
    portfolioId,
    eventTypes: readEventTypes(checks, input.eventTypes),
    webhookUrl,
    expiresAt:
      input.expiresAt === undefined || input.expiresAt === null ? null : checks.readTime("expiresAt", input.expiresAt),
    secret
  })
}

export interface SubscriptionFilter {
  readonly page: PageRequest
  readonly intentId: string | undefined
  readonly portfolioId: string | undefined
  readonly active: boolean | undefined
}

export const readListSubscriptions = (query: ListSubscriptions): Result.Result<SubscriptionFilter, ValidationError> => {
  const checks = new Checks()
  if (query.active !== undefined && typeof query.active !== "boolean")
    checks.add("active", "must be true or false", query.active)
  return checks.finish({
    page: readPageRequest(checks, query, limits.pageSize),
    intentId: readId(checks, "intentId", query.intentId),
    portfolioId: readId(checks, "portfolioId", query.portfolioId),
    active: query.active
  })
}
