/** http.md 13 */
import * as Effect from "effect/Effect"
import { HttpApiBuilder } from "effect/http-api"
import type { Status } from "../core/intent/Intent.ts"
import { OpenIntent } from "../core/OpenIntent.ts"
import {
  type AddIntent,
  type AggregateStatus,
  type CreatePortfolio,
  memberRoles,
  type Membership,
  type Portfolio,
  type PortfolioMember,
  type PortfolioStatus,
  portfolioStatuses
} from "../core/portfolio/Portfolio.ts"
import { answer, json, pageAnswer } from "./answers.ts"
import { Api } from "./Api.ts"
import { Caller } from "./api/common.ts"
import { intentBody } from "./bodies.ts"
import type { Refusal } from "./refusals.ts"
import { Fields } from "./fields.ts"
import { HttpOptions } from "./HttpOptions.ts"
import { readBody, type RawBody } from "./requestBody.ts"
import { type Bound, done, doneAs } from "./requests.ts"
import { formatTimestamp, type Profile } from "./timestamps.ts"

/** http.md 2.13: the five core statuses always, `pending` where there is one; in the default profile it is `active`. */
export const aggregateBody = ({ byStatus, completionPercentage, total }: AggregateStatus, profile: Profile) => {
  const { pending, ...core } = byStatus
  const shown: { [S in Status]?: number } =
    profile === 1 ? { ...core, active: core.active + pending } : pending === 0 ? core : byStatus
  return { total, by_status: shown, completion_percentage: completionPercentage }
}

/** http.md 2.12 */
const portfolioBody = (portfolio: Portfolio, profile: Profile) => {
  const createdAt = formatTimestamp(portfolio.createdAt, profile)
  const updatedAt = formatTimestamp(portfolio.updatedAt, profile)
  return {
    id: portfolio.id,
    name: portfolio.name,
    description: portfolio.description,
    created_by: portfolio.createdBy,
    createdBy: portfolio.createdBy,
    status: portfolio.status,
    metadata: portfolio.metadata,
    governance_policy: portfolio.governancePolicy,
    created_at: createdAt,
    createdAt,
    updated_at: updatedAt,
    updatedAt,
    aggregate_status: aggregateBody(portfolio.aggregate, profile)
  }
}

const membershipBody = (membership: Membership, profile: Profile) => ({
  id: membership.id,
  membership_id: membership.id,
  portfolio_id: membership.portfolioId,
  intent_id: membership.intentId,
  role: membership.role,
  priority: membership.priority,
  added_at: formatTimestamp(membership.addedAt, profile),
  message: "Intent added to portfolio"
})

/** An intent with what it is in the portfolio. */
const memberBody = (member: PortfolioMember, profile: Profile) => ({
  ...intentBody(member.intent, profile),
  membership_id: member.id,
  portfolio_id: member.portfolioId,
  role: member.role,
  priority: member.priority,
  added_at: formatTimestamp(member.addedAt, profile)
})

/** http.md 13.1; PC045 and PC050 send camelCase. */
const createPortfolio = (body: RawBody, bound: Bound): Effect.Effect<CreatePortfolio, Refusal> => {
  const fields = new Fields(body)
  const createdBy = fields.string("created_by", "createdBy")
  return doneAs(
    fields,
    {
      name: fields.requiredString("name"),
      description: fields.string("description"),
      createdBy,
      governancePolicy: fields.object("governance_policy", "governancePolicy"),
      metadata: fields.object("metadata")
    },
    createdBy,
    bound
  )
}

/** http.md 13.4 */
const setStatus = (body: RawBody): Effect.Effect<{ readonly status: PortfolioStatus }, Refusal> => {
  const fields = new Fields(body)
  const status = fields.oneOf(portfolioStatuses, "status")
  if (status === undefined && fields.issues.length === 0)
    fields.issues.push({ field: "status", message: "is required" })
  return done(fields, { status: status ?? "active" })
}

/** http.md 13.5 */
const addIntent = (body: RawBody): Effect.Effect<AddIntent, Refusal> => {
  const fields = new Fields(body)
  return done(fields, {
    intentId: fields.requiredString("intent_id", "intentId"),
    role: fields.oneOf(memberRoles, "role"),
    priority: fields.integer("priority")
  })
}

/** Needs `OpenIntent`. */
export const layer = HttpApiBuilder.group(
  Api,
  "portfolios",
  Effect.fnUntraced(function* (handlers) {
    const engine = yield* OpenIntent
    const options = yield* HttpOptions
    const { portfolios } = engine

    /** With the first page of its members. */
    const withMembers = (portfolio: Portfolio) =>
      Effect.map(portfolios.members(portfolio.id), ({ items }) => ({ portfolio, members: items }))
    const alone = (portfolio: Portfolio) => ({ portfolio, members: undefined })

    const wholeAnswer = (
      {
        members,
        portfolio
      }: { readonly portfolio: Portfolio; readonly members?: ReadonlyArray<PortfolioMember> | undefined },
      profile: Profile
    ) => json({ ...portfolioBody(portfolio, profile), intents: members?.map((member) => memberBody(member, profile)) })

    return handlers
      .handleRaw("create", ({ request }) =>
        Effect.flatMap(Caller, ({ boundTo, profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => createPortfolio(body, boundTo)),
            Effect.flatMap(portfolios.create),
            (effect) =>
              answer(effect, {
                engine,
                intentId: undefined,
                profile,
                onSuccess: (portfolio) => json(portfolioBody(portfolio, profile))
              })
          )
        )
      )
      .handleRaw("list", ({ query: { created_by, ...rest }, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(portfolios.list({ ...rest, createdBy: created_by }), {
            engine,
            intentId: undefined,
            profile,
            onSuccess: (page) => pageAnswer("portfolios", page, portfolioBody, profile, request.url)
          })
        )
      )
      .handleRaw("get", ({ params: { portfolioId }, query }) =>
        Effect.flatMap(Caller, ({ profile }) => {
          const found = portfolios.get(portfolioId)
          return answer(query.intents === "false" ? Effect.map(found, alone) : Effect.flatMap(found, withMembers), {
            engine,
            intentId: undefined,
            portfolioId,
            profile,
            onSuccess: wholeAnswer
          })
        })
      )
      .handleRaw("setStatus", ({ params: { portfolioId }, query, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap(setStatus),
            Effect.flatMap((input) => portfolios.setStatus(portfolioId, input)),
            (changed) =>
              query.intents === "false" ? Effect.map(changed, alone) : Effect.flatMap(changed, withMembers),
            (effect) => answer(effect, { engine, intentId: undefined, portfolioId, profile, onSuccess: wholeAnswer })
          )
        )
      )
      .handleRaw("addIntent", ({ params: { portfolioId }, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap(addIntent),
            Effect.flatMap((input) => portfolios.addIntent(portfolioId, input)),
            (effect) =>
              answer(effect, {
                engine,
                intentId: undefined,
                portfolioId,
                profile,
                onSuccess: (membership) => json(membershipBody(membership, profile))
              })
          )
        )
      )
      .handleRaw("members", ({ params: { portfolioId }, query, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(Effect.zip(portfolios.members(portfolioId, query), portfolios.aggregate(portfolioId)), {
            engine,
            intentId: undefined,
            portfolioId,
            profile,
            onSuccess: ([page, aggregate]) =>
              pageAnswer("intents", page, memberBody, profile, request.url, {
                aggregate_status: aggregateBody(aggregate, profile)
              })
          })
        )
      )
      .handleRaw("removeIntent", ({ params: { intentId, portfolioId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(portfolios.removeIntent(portfolioId, intentId), {
            engine,
            intentId: undefined,
            portfolioId,
            profile,
            onSuccess: () => json({ message: "Intent removed from portfolio" })
          })
        )
      )
      .handleRaw("ofIntent", ({ params: { intentId }, query, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(portfolios.ofIntent(intentId, query), {
            engine,
            intentId,
            profile,
            onSuccess: (page) => pageAnswer("portfolios", page, portfolioBody, profile, request.url)
          })
        )
      )
  })
)
