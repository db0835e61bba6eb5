/** Requests: one that the server should take, and what is then twisted about it. */
import type { Random } from "../crash/random.ts"
import { type Contract, nodeOf, type Operation, type Parameter } from "./contract.ts"
import type { Draft } from "./draft.ts"
import { adminKey } from "./keys.ts"
import type { Ids, Known } from "./known.ts"
import { agents, completed, sample, sampleBody, type Sampling } from "./samples.ts"
import { twists } from "./twists.ts"

export interface Request {
  readonly operation: Operation
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  readonly body: Buffer | undefined
  readonly ids: Ids
  /** Names of what is twisted about it; none: the server should take it. */
  readonly twists: ReadonlyArray<string>
}

const uuid = (random: Random): string =>
  "00000000-0000-7000-8000-000000000000".replaceAll("0", () => random.below(16).toString(16))

/** Long lists are asked for now and then only: they are slow to judge. */
const isAsked = ({ name, place }: Parameter, random: Random): boolean => {
  if (place !== "query" || name === "after" || name === "api_key" || name === "profile") return false
  return name === "limit" ? random.below(20) > 0 : random.below(5) === 0
}

const queryOf = ({ parameters }: Operation, sampling: Sampling): Draft["query"] =>
  parameters
    .filter((parameter) => isAsked(parameter, sampling.random))
    .map(({ name, schema }) => [name, encodeURIComponent(textOf(sample(sampling, schema, name)))])

const textOf = (value: unknown): string =>
  Array.isArray(value) ? textOf(value[0] ?? "active") : typeof value === "string" ? value : JSON.stringify(value ?? "")

/** A request that the server should take, as far as a client can know. */
const plain = (contract: Contract, operation: Operation, known: Known, random: Random): Draft => {
  const sampling = { contract, known, random }
  const ids = known.idsFor(operation.path, random, () => uuid(random))
  const version = known.versionOf(ids[0] ?? "")
  const wants = (name: string) => operation.parameters.some((parameter) => parameter.name === name)
  const draft: Draft = {
    operation,
    method: operation.method,
    ids: [...ids].map((id) => encodeURIComponent(id)),
    query: queryOf(operation, sampling),
    headers: [],
    fields: undefined,
    raw: undefined
  }
  if (operation.needsKey) {
    draft.headers.push(["X-API-Key", adminKey])
    // One agent for most, so that what it has is its own later.
    draft.headers.push(["X-Agent-ID", random.below(5) === 0 ? random.oneOf(agents.slice(0, 3)) : "atlas"])
    if (random.below(3) === 0) draft.headers.push(["X-OpenIntent-Profile", "2"])
  }
  if (wants("if-match") && version !== undefined) draft.headers.push(["If-Match", String(version)])
  if (wants("last-event-id") && random.below(2) === 0) draft.headers.push(["Last-Event-ID", String(random.below(50))])
  if (operation.body !== undefined) {
    const body = completed(operation.name, sampling, sampleBody(sampling, contract.resolve(operation.body)))
    draft.fields = Object.entries(nodeOf(body)).map(([name, value]) => [name, JSON.stringify(value)])
    draft.headers.push(["Content-Type", "application/json"])
  }
  return draft
}

const bodyOf = ({ fields, raw }: Draft): Buffer | undefined => {
  if (raw !== undefined) return typeof raw === "string" ? Buffer.from(raw) : raw
  return fields && Buffer.from(`{${fields.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join()}}`)
}

const render = (draft: Draft, twisted: ReadonlyArray<string>): Request => {
  let at = 0
  const path = draft.operation.path.replaceAll(/\{\w+\}/g, () => draft.ids[at++] ?? "")
  const query = draft.query.map(([name, value]) => `${name}=${value}`).join("&")
  return {
    operation: draft.operation,
    method: draft.method,
    target: query === "" ? path : `${path}?${query}`,
    headers: draft.headers,
    body: bodyOf(draft),
    ids: draft.ids.map((id) => {
      try {
        return decodeURIComponent(id)
      } catch {
        return id
      }
    }),
    twists: twisted
  }
}

/** What a request is made from. Made again with fewer twists it is otherwise the same. */
export interface Recipe {
  readonly request: Request
  /** The request with only these of its twists. */
  readonly with: (kept: ReadonlyArray<string>) => Request
}

/** A twist draws from a random of its own, so that leaving out one leaves the others as they are. */
const applied = (
  draft: Draft,
  chosen: ReadonlyArray<readonly [name: string, random: () => Random]>,
  known: Known
): Request => {
  const copy: Draft = {
    ...draft,
    ids: [...draft.ids],
    query: [...draft.query],
    headers: [...draft.headers],
    fields: draft.fields && [...draft.fields]
  }
  const done = chosen.filter(([name, random]) => twists[name]?.(copy, random(), known) === true)
  return render(
    copy,
    done.map(([name]) => name)
  )
}

export interface Making {
  readonly contract: Contract
  readonly known: Known
  readonly random: Random
  readonly randomOf: (seed: number) => Random
}

const twistNames = Object.keys(twists)

export const recipe = ({ contract, known, random, randomOf }: Making, operation: Operation): Recipe => {
  const draft = plain(contract, operation, known, random)
  const count = Math.max(0, random.below(5) - 1)
  const chosen = Array.from({ length: count }, () => {
    const seed = random.below(2 ** 31)
    return [random.oneOf(twistNames), () => randomOf(seed)] as const
  })
  return {
    request: applied(draft, chosen, known),
    with: (kept) =>
      applied(
        draft,
        chosen.filter(([name]) => kept.includes(name)),
        known
      )
  }
}
