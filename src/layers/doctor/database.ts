/** What is in the file. */
import * as Result from "effect/Result"
import { isOpenAt } from "../../core/apiKey/rules.ts"
import type { StoredKey } from "../../core/apiKey/ApiKey.ts"
import type { Figures, Found, Inspection, Seals } from "../../storage/sqlite/inspect.ts"
import type * as DateTime from "effect/DateTime"
import { durationText, oneLine } from "../cli/output.ts"
import { type Finding, ok, problem, warning } from "./Finding.ts"

const judge = <A>(
  id: string,
  found: Found<A>,
  of: (value: A) => Finding | ReadonlyArray<Finding>
): ReadonlyArray<Finding> =>
  Result.match(found, {
    onFailure: (reason) => [problem(id, `could not be looked at: ${oneLine(reason)}`)],
    onSuccess: (value) => [of(value)].flat()
  })

type Identity = Result.Result.Success<Inspection["identity"]>

const identity = ({ isEmpty, isOurs, missing, version, versionKnown }: Identity): ReadonlyArray<Finding> => {
  if (!isOurs) return [problem("database.application", "an SQLite file of another application")]
  const application = ok("database.application", "a file of openintent")
  if (isEmpty) return [ok("database.application", "an empty file, which the first opening fills")]
  if (version > versionKnown)
    return [
      application,
      problem("database.schema", `schema ${version} of a newer openintent: this one knows up to ${versionKnown}`)
    ]
  return [
    application,
    version < versionKnown || missing > 0
      ? warning(
          "database.schema",
          `schema ${version}: the next opening brings it to ${versionKnown}; make a backup before`
        )
      : ok("database.schema", `schema ${version}`)
  ]
}

/** So much between the clocks of two machines is nothing. */
const clockBehindMs = 1000
const clockFarBehindMs = 60_000

const clock = (newest: number | undefined, now: number): Finding => {
  if (newest === undefined) return ok("clock", "there is no event to compare it with")
  const behind = newest - now
  if (behind < clockBehindMs) return ok("clock", `the newest event is ${durationText(Math.max(0, -behind))} old`)
  const message = `the clock is ${durationText(behind)} behind the newest event: leases and retries take longer until it has caught up`
  return behind >= clockFarBehindMs ? problem("clock", message) : warning("clock", message)
}

/** Sealing follows the writers within a second. */
const sealLagMs = 10_000

const seals = ({ lastPosition, sealedThrough, unsealedSince }: Seals, now: number): Finding => {
  if (sealedThrough > lastPosition)
    return problem(
      "seals.lag",
      `sealed up to ${sealedThrough}, but the log ends at ${lastPosition}: its end was removed`
    )
  const lag = `sealed up to ${sealedThrough} of ${lastPosition}`
  return unsealedSince !== undefined && now - unsealedSince > sealLagMs
    ? warning("seals.lag", `${lag}: the rest has waited for ${durationText(now - unsealedSince)}; is a server running?`)
    : ok("seals.lag", lag)
}

const figures = ({ compared, differences: [first, ...others] }: Figures): Finding =>
  first === undefined
    ? ok("counters", `${compared} figures are what is counted`)
    : problem(
        "counters",
        `${first.figure} is ${first.kept}, but ${first.counted} are there` +
          (others.length === 0 ? "" : `; ${others.length} or more others differ too`)
      )

const keys = (stored: ReadonlyArray<StoredKey>, now: DateTime.Utc): Finding => {
  const open = stored.filter((key) => isOpenAt(key, now))
  if (stored.length === 0) return ok("keys", "none are stored: a server has those that it is given when it starts")
  const over = stored.filter((key) => key.revokedAt === null && !isOpenAt(key, now)).length
  const text = `${open.length} stored keys open something, ${over} have expired`
  if (open.length === 0) return warning("keys", `${text}: nobody gets in with a stored key`)
  const endless = open.filter((key) => key.role === "admin" && key.expiresAt === null)
  return endless.length === 0
    ? ok("keys", text)
    : warning(
        "keys",
        `${text}; admin keys without an end: ${endless
          .slice(0, 5)
          .map(({ id }) => id)
          .join(", ")}`
      )
}

const damages = (found: ReadonlyArray<string>): Finding =>
  found.length === 0
    ? ok("database.integrity", "no damage was found")
    : problem("database.integrity", `damaged, restore a backup: ${oneLine(found.slice(0, 3).join("; "), 300)}`)

/** The rest is of no meaning in a file that is not ours, or empty. */
export const judgeDatabase = (found: Found<Inspection>, now: DateTime.Utc): ReadonlyArray<Finding> =>
  judge("database.open", found, (inspection) => {
    const first = judge("database.application", inspection.identity, identity)
    const isOurs = Result.isSuccess(inspection.identity) && inspection.identity.success.isOurs
    if (!isOurs || (Result.isSuccess(inspection.identity) && inspection.identity.success.isEmpty)) return first
    const millis = now.epochMilliseconds
    return [
      ...first,
      ...judge("database.integrity", inspection.damages, damages),
      ...judge("clock", inspection.newestEvent, (newest) => clock(newest, millis)),
      ...judge("seals.lag", inspection.seals, (state) => seals(state, millis)),
      ...judge("counters", inspection.figures, figures),
      ...judge("keys", inspection.keys, (stored) => keys(stored, now))
    ]
  })
