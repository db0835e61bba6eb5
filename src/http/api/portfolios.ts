/** The group of http.md 13, with its bodies (2.12, 2.13). Their costs are with the costs. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { memberRoles, portfolioStatuses } from "../../core/portfolio/Portfolio.ts"
import { IntentBody, JsonObject, pageFields, Timestamp } from "../wire.ts"
import { Access, intentId, paging } from "./common.ts"
import { reads, writes } from "./rights.ts"

const PortfolioStatus = Schema.Literals(portfolioStatuses).annotate({ identifier: "PortfolioStatus" })
const MemberRole = Schema.Literals(memberRoles).annotate({ identifier: "MemberRole" })

export const AggregateStatusBody = Schema.Struct({
  total: Schema.Int,
  by_status: Schema.Record(Schema.String, Schema.Int).annotate({
    description: "The five core statuses, and `pending` in profile 2 where there are any"
  }),
  completion_percentage: Schema.Int
}).annotate({ identifier: "AggregateStatus", description: "How far the members of a portfolio are" })
export interface AggregateStatusBody extends Schema.Schema.Type<typeof AggregateStatusBody> {}

const portfolioFields = {
  id: Schema.String,
  name: Schema.String,
  description: Schema.String,
  created_by: Schema.String,
  createdBy: Schema.String,
  status: PortfolioStatus,
  metadata: JsonObject,
  governance_policy: JsonObject,
  created_at: Timestamp,
  createdAt: Timestamp,
  updated_at: Timestamp,
  updatedAt: Timestamp,
  aggregate_status: AggregateStatusBody
}
export const PortfolioBody = Schema.Struct(portfolioFields).annotate({
  identifier: "Portfolio",
  description: "Intents that are looked after together"
})
export interface PortfolioBody extends Schema.Schema.Type<typeof PortfolioBody> {}

const membershipFields = {
  membership_id: Schema.String,
  portfolio_id: Schema.String,
  role: MemberRole,
  priority: Schema.Int,
  added_at: Timestamp
}
export const MembershipBody = Schema.Struct({
  id: Schema.String,
  intent_id: Schema.String,
  ...membershipFields,
  message: Schema.String
}).annotate({ identifier: "Membership", description: "An intent belongs to a portfolio" })
export interface MembershipBody extends Schema.Schema.Type<typeof MembershipBody> {}

export const MemberBody = Schema.Struct({ ...IntentBody.fields, ...membershipFields }).annotate({
  identifier: "PortfolioMember",
  description: "An intent, and what it is in the portfolio"
})
export interface MemberBody extends Schema.Schema.Type<typeof MemberBody> {}

const members = { intents: Schema.Array(MemberBody) }
const PortfolioWithMembers = Schema.Struct({
  ...portfolioFields,
  intents: Schema.optionalKey(members.intents).annotate({
    description: "The first 1,000 members; the route of the members has them all, in pages"
  })
}).annotate({ identifier: "PortfolioWithMembers" })
const MembersPage = Schema.Struct({ ...members, aggregate_status: AggregateStatusBody, ...pageFields })
const PortfoliosPage = Schema.Struct({ portfolios: Schema.Array(PortfolioBody), ...pageFields })

const alias = (of: string) => ({ description: `Also read: ${of}` })

const CreatePortfolioBody = Schema.Struct({
  name: Schema.String,
  description: Schema.optionalKey(Schema.NullOr(Schema.String)),
  created_by: Schema.optionalKey(Schema.String).annotate(alias("createdBy")),
  governance_policy: Schema.optionalKey(Schema.NullOr(JsonObject)).annotate(alias("governancePolicy")),
  metadata: Schema.optionalKey(Schema.NullOr(JsonObject))
}).annotate({ identifier: "CreatePortfolio" })

const AddIntentBody = Schema.Struct({
  intent_id: Schema.String.annotate(alias("intentId")),
  role: Schema.optionalKey(MemberRole),
  priority: Schema.optionalKey(Schema.Int)
}).annotate({ identifier: "AddIntent" })

const SetPortfolioStatusBody = Schema.Struct({ status: PortfolioStatus }).annotate({ identifier: "SetPortfolioStatus" })

const portfolioId = { portfolioId: Schema.String }
const withMembers = {
  intents: Schema.optionalKey(Schema.Literals(["true", "false"])).annotate({
    description: "Whether the members are in the answer; default `true`"
  })
}

export class PortfoliosApi extends HttpApiGroup.make("portfolios")
  .add(
    HttpApiEndpoint.post("create", "/api/v1/portfolios", {
      payload: CreatePortfolioBody,
      success: PortfolioBody
    }).annotateMerge(writes),
    HttpApiEndpoint.get("list", "/api/v1/portfolios", {
      query: { ...paging, created_by: Schema.optionalKey(Schema.String), status: Schema.optionalKey(PortfolioStatus) },
      success: PortfoliosPage
    }).annotateMerge(reads),
    HttpApiEndpoint.get("get", "/api/v1/portfolios/:portfolioId", {
      params: portfolioId,
      query: withMembers,
      success: PortfolioWithMembers
    }).annotateMerge(reads),
    HttpApiEndpoint.patch("setStatus", "/api/v1/portfolios/:portfolioId/status", {
      params: portfolioId,
      query: withMembers,
      payload: SetPortfolioStatusBody,
      success: PortfolioWithMembers
    }).annotateMerge(writes),
    HttpApiEndpoint.post("addIntent", "/api/v1/portfolios/:portfolioId/intents", {
      params: portfolioId,
      payload: AddIntentBody,
      success: MembershipBody
    }).annotateMerge(writes),
    HttpApiEndpoint.get("members", "/api/v1/portfolios/:portfolioId/intents", {
      params: portfolioId,
      query: paging,
      success: MembersPage
    }).annotateMerge(reads),
    HttpApiEndpoint.delete("removeIntent", "/api/v1/portfolios/:portfolioId/intents/:intentId", {
      params: { ...portfolioId, ...intentId },
      success: Schema.Struct({ message: Schema.String })
    }).annotateMerge(writes),
    HttpApiEndpoint.get("ofIntent", "/api/v1/intents/:intentId/portfolios", {
      params: intentId,
      query: paging,
      success: PortfoliosPage
    }).annotateMerge(reads)
  )
  .middleware(Access) {}
