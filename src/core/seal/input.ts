import type * as Result from "effect/Result"
import type { ValidationError } from "../Errors.ts"
import { Checks } from "../validate.ts"
import { digestLength } from "./hash.ts"
import type { VerifyEvents } from "./Verification.ts"

const hashForm = new RegExp(`^sha256:[A-Za-z0-9_-]{${digestLength}}$`)

/** What is asked of a check, checked itself. */
export const readVerify = ({ after, expect, limit }: VerifyEvents): Result.Result<VerifyEvents, ValidationError> => {
  const checks = new Checks()
  const isHash = expect === undefined || (typeof expect.hash === "string" && hashForm.test(expect.hash))
  if (!isHash) checks.add("expect.hash", `must be sha256: and ${digestLength} characters of base64url`, expect.hash)
  return checks.finish({
    expect: expect && {
      sequence: checks.readInt("expect.sequence", expect.sequence, undefined, 1, Number.MAX_SAFE_INTEGER),
      hash: expect.hash
    },
    after: checks.readInt("after", after, 0, 0, Number.MAX_SAFE_INTEGER),
    limit: limit === undefined ? undefined : checks.readInt("limit", limit, undefined, 1, Number.MAX_SAFE_INTEGER)
  })
}
