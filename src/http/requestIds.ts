/** Names of requests, by which an answer, the lines of a log and a trace are found together. */
import { holdsKey } from "../core/apiKey/form.ts"

export const requestIdHeader = "x-request-id"

const form = /^[\w.:-]{1,128}$/

/** Whether what a client calls its request can be kept: longer or odder texts do harm in logs. */
export const isRequestId = (given: string | undefined): given is string =>
  given !== undefined && form.test(given) && !holdsKey(given)

/**
 * Makes ids that sort by the time they were made in. `start` is the time of the first in milliseconds; `salt`, from 0 to
 * 1, tells servers apart that begin in the same one. They are not secret.
 */
export const requestIds = (start: number, salt: number): (() => string) => {
  const prefix = `${start.toString(36)}-${Math.floor(salt * 36 ** 4)
    .toString(36)
    .padStart(4, "0")}-`
  let made = 0
  return () => prefix + (made++).toString(36).padStart(7, "0")
}
