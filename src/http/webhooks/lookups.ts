/** Lookups of names, for webhooks (http.md 11.4). */
import { lookup } from "node:dns"

export interface Resolved {
  readonly address: string
  readonly family: number
}

export type Found = (error: Error | null, addresses: ReadonlyArray<Resolved>) => void

/** All addresses of a name, in the order in which they are to be tried. */
export type Resolve = (hostname: string, found: Found) => void

/** As the system does it. */
export const resolveByNode: Resolve = (hostname, found) => lookup(hostname, { all: true }, found)

/** Names that are looked up at the same time. The system takes four at once, and may take half a minute for each. */
const lookupsMax = 256

/**
 * A lookup cannot be taken back. Each attempt that runs out of time would leave one behind, and they would come faster
 * than a slow name server answers them: so whoever asks for a name that is being looked up shares that lookup, and
 * beyond `lookupsMax` no other name is. Answers with what forgets who asked.
 */
export const makeLookups = (resolve: Resolve): ((hostname: string, found: Found) => () => void) => {
  const waiting = new Map<string, Set<Found>>()
  return (hostname, found) => {
    const others = waiting.get(hostname)
    const asking = others ?? new Set()
    if (others === undefined) {
      if (waiting.size >= lookupsMax) {
        found(new TooManyLookups(), [])
        return () => undefined
      }
      waiting.set(hostname, asking)
    }
    asking.add(found)
    if (others === undefined) {
      resolve(hostname, (error, addresses) => {
        waiting.delete(hostname)
        for (const told of asking) told(error, addresses)
      })
    }
    return () => void asking.delete(found)
  }
}

/** As if the name server had not answered. */
class TooManyLookups extends Error {
  readonly code = "EAI_AGAIN"
}
