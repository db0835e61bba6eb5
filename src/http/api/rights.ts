/** What a route needs of the key of a request. Each says so, and one that does not is not served. */
import * as Context from "effect/Context"
import { type HttpApiEndpoint, OpenApi } from "effect/http-api"
import { type Role, roles } from "../../core/apiKey/ApiKey.ts"

/** Nothing at all, or a key that may read, read and write, or administer. */
export class Right extends Context.Service<Right, "public" | "read" | "write" | "admin">()("openintent/http/Right") {}

const needing = (right: Right["Service"]) =>
  Context.merge(
    Context.make(Right, right),
    OpenApi.annotations({ override: { "x-openintent-right": right } }) // For readers of the document.
  )

/** Annotations of endpoints: `.annotateMerge(reads)`. */
export const isPublic = needing("public")
export const reads = needing("read")
export const writes = needing("write")
export const administers = needing("admin")

const rights: { readonly [role in Role]: ReadonlyArray<Right["Service"]> } = {
  "read-only": ["public", "read"],
  agent: ["public", "read", "write"],
  admin: ["public", "read", "write", "admin"]
}

/** The roles that have a right. */
export const rolesWith = (right: Right["Service"]): ReadonlySet<Role> =>
  new Set(roles.filter((role) => rights[role].includes(right)))

/** The right that a route declares. Throws where it declares none: nobody meant it to be open. */
export const rightOf = ({
  annotations,
  identifier
}: Pick<HttpApiEndpoint.Top, "annotations" | "identifier">): Right["Service"] => {
  const right = Context.getOrUndefined(annotations, Right)
  if (right === undefined) throw new Error(`the route ${identifier} declares no right`)
  return right
}
