/** The group of http.md 8. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import {
  AcquireLeaseBody,
  Conflict,
  LeaseBody,
  LeasesPage,
  ReleasedBody,
  RenewLeaseBody,
  RevokeLeaseBody
} from "../wire.ts"
import { Access, intentId, paging } from "./common.ts"

const leaseParams = { ...intentId, leaseId: Schema.String }

export class LeasesApi extends HttpApiGroup.make("leases")
  .add(
    HttpApiEndpoint.post("acquire", "/api/v1/intents/:intentId/leases", {
      params: intentId,
      payload: AcquireLeaseBody,
      success: LeaseBody,
      error: Conflict
    }),
    HttpApiEndpoint.get("list", "/api/v1/intents/:intentId/leases", {
      params: intentId,
      query: {
        ...paging,
        status: Schema.optionalKey(Schema.Literals(["active", "released", "expired", "revoked", "all"]))
      },
      success: LeasesPage
    }),
    HttpApiEndpoint.patch("renew", "/api/v1/intents/:intentId/leases/:leaseId", {
      params: leaseParams,
      payload: RenewLeaseBody,
      success: LeaseBody,
      error: Conflict
    }),
    HttpApiEndpoint.delete("release", "/api/v1/intents/:intentId/leases/:leaseId", {
      params: leaseParams,
      success: ReleasedBody
    }),
    HttpApiEndpoint.post("revoke", "/api/v1/intents/:intentId/leases/:leaseId/revoke", {
      params: leaseParams,
      payload: RevokeLeaseBody,
      success: LeaseBody,
      error: Conflict
    })
  )
  .middleware(Access) {}
