/** What one client has seen of the server: ids that exist and versions, learnt from answers alone. */
import * as Predicate from "effect/Predicate"
import type { Random } from "../crash/random.ts"
import { listOf, nodeOf, type Operation } from "./contract.ts"

/** The ids in a path, from left to right. */
export type Ids = ReadonlyArray<string>

/** `intents/{}/leases/{}` for `/api/v1/intents/{intentId}/leases/{leaseId}`, the same under every alias of the path. */
const placeOf = (path: string): string =>
  path
    .replace(/^\/api\/v1\//, "")
    .replace(/^subscribe\//, "")
    .replaceAll(/\{\w+\}/g, "{}")

/** The places in front of each id of a path: `intents/{}`, `intents/{}/leases/{}`. */
const placesOf = (path: string): ReadonlyArray<string> => {
  const parts = placeOf(path).split("/")
  return parts.flatMap((part, at) => (part === "{}" ? [parts.slice(0, at + 1).join("/")] : []))
}

/** The last collection of a place: `leases` of `intents/{}/leases/{}`. */
const collectionOf = (place: string): string => place.split("/").at(-2) ?? ""

/** Where the id of an item of a collection stands, if not in `id`. */
const idFields: { readonly [collection: string]: string } = { agents: "agent_id", "portfolios/{}/intents": "intent_id" }

/** Kept of each place, the latest: so the fuzz needs no more memory the longer it runs. */
const keptMax = 12

export class Known {
  readonly #places = new Map<string, Array<Ids>>()
  readonly #versions = new Map<string, number>()

  learn(place: string, ids: Ids): void {
    const found = this.#places.get(place)
    if (found === undefined) this.#places.set(place, [ids])
    else if (!found.some((other) => other.join() === ids.join()) && found.push(ids) > keptMax) {
      const [gone] = found.shift() ?? []
      if (place === "intents/{}" && gone !== undefined) this.#versions.delete(gone)
    }
    // What is found below something may stand on its own too: `subscriptions/{}`.
    const collection = collectionOf(place)
    if (ids.length > 1 && collection === "subscriptions") this.learn(`${collection}/{}`, ids.slice(-1))
  }

  /** What a success tells. */
  answered(operation: Operation, ids: Ids, body: unknown): void {
    const found = nodeOf(body)
    const place = placeOf(operation.path)
    this.#item(place, ids, found)
    for (const items of Object.values(found)) for (const item of listOf(items)) this.#item(place, ids, nodeOf(item))
  }

  #item(place: string, ids: Ids, item: { readonly [name: string]: unknown }): void {
    const { depends_on, id, title, version } = item
    if (Predicate.isString(id) && Predicate.isString(title) && Predicate.isNumber(version)) {
      this.learn("intents/{}", [id])
      this.#versions.set(id, version)
      for (const other of listOf(depends_on)) this.learn("intents/{}/dependencies/{}", [id, String(other)])
      if (place !== "portfolios/{}/intents") return
    }
    const own = item[idFields[place] ?? idFields[place.split("/").at(-1) ?? ""] ?? "id"]
    if (Predicate.isString(own)) this.learn(`${place}/{}`, [...ids, own])
  }

  /** Ids for the path: those that belong together, where there are any. */
  idsFor(path: string, random: Random, otherwise: () => string): Ids {
    const places = placesOf(path)
    for (const place of places.toReversed()) {
      const found = this.#places.get(place)
      if (found === undefined) continue
      const ids = random.oneOf(found)
      return [
        ...ids,
        ...places.slice(ids.length).map((missing) => this.oneOf(collectionOf(missing), random) ?? otherwise())
      ]
    }
    return places.map(otherwise)
  }

  /** Any of a collection, wherever it was found. */
  oneOf(collection: string, random: Random): string | undefined {
    const found = [...this.#places].flatMap(([place, ids]) => (collectionOf(place) === collection ? [ids] : []))
    return found.length === 0 ? undefined : random.oneOf(random.oneOf(found)).at(-1)
  }

  versionOf(intentId: string): number | undefined {
    return this.#versions.get(intentId)
  }

  get intents(): ReadonlyArray<string> {
    return (this.#places.get("intents/{}") ?? []).flatMap((ids) => ids)
  }
}
