/** The group of http.md 8. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import {
  AcquireLeaseBody,
  LeaseBody,
  LeaseConflict,
  LeasesPage,
  ReleasedBody,
  RenewLeaseBody,
  RevokeLeaseBody
} from "../wire.ts"
import { Access, intentId, paging } from "./common.ts"
import { administers, reads, writes } from "./rights.ts"

const leaseParams = { ...intentId, leaseId: Schema.String }

export class LeasesApi extends HttpApiGroup.make("leases")
  .add(
    HttpApiEndpoint.post("acquire", "/api/v1/intents/:intentId/leases", {
      params: intentId,
      payload: AcquireLeaseBody,
      success: LeaseBody,
      error: LeaseConflict
    }).annotateMerge(writes),
    HttpApiEndpoint.get("list", "/api/v1/intents/:intentId/leases", {
      params: intentId,
      query: {
        ...paging,
        status: Schema.optionalKey(Schema.Literals(["active", "released", "expired", "revoked", "all"]))
      },
      success: LeasesPage
    }).annotateMerge(reads),
    HttpApiEndpoint.patch("renew", "/api/v1/intents/:intentId/leases/:leaseId", {
      params: leaseParams,
      payload: RenewLeaseBody,
      success: LeaseBody,
      error: LeaseConflict
    }).annotateMerge(writes),
    HttpApiEndpoint.delete("release", "/api/v1/intents/:intentId/leases/:leaseId", {
      params: leaseParams,
      success: ReleasedBody
    }).annotateMerge(writes),
    HttpApiEndpoint.post("revoke", "/api/v1/intents/:intentId/leases/:leaseId/revoke", {
      params: leaseParams,
      payload: RevokeLeaseBody,
      success: LeaseBody,
      error: LeaseConflict
    }).annotateMerge(administers)
  )
  .middleware(Access) {}
