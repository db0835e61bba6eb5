/** `Link` on every list of the contract (decision 11): from any page on, the rest of the list, each item once. */
import * as SchemaAST from "effect/SchemaAST"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { HttpApi } from "effect/http-api"
import { Api } from "../../src/http/Api.ts"
import { serving, type Serving } from "./serving.ts"

let server: Serving
const ids: { [param: string]: string } = { agentId: "ann" }

const make = async (path: string, body: object) => {
  const answer = await server.ask("POST", `/api/v1${path}`, { body })
  assert.strictEqual(answer.status, 200, `${path}: ${answer.text}`)
  return String(answer.body.id)
}

const several = [1, 2, 3, 4, 5]

/** A chain of intents, and of all else a few on the one in its middle. */
beforeAll(async () => {
  server = await serving()
  const chain: Array<string> = []
  for (const n of several) {
    const parent_intent_id = chain.at(-1)
    chain.push(await make("/intents", { title: `up ${n}`, parent_intent_id }))
  }
  const needed = await Promise.all(several.map((n) => make("/intents", { title: `needed ${n}` })))
  const intentId = await make("/intents", { title: "middle", depends_on: needed, parent_intent_id: chain.at(-1) })
  const at = `/intents/${intentId}`
  ids["intentId"] = intentId
  for (const n of several) {
    await make("/intents", { title: `after ${n}`, depends_on: [intentId] })
    const child = await make(`${at}/children`, { title: `child ${n}` })
    await make(`${at}/children`, { title: `held up ${n}`, depends_on: [child] })
    await make(`${at}/events`, { event_type: "comment" })
    await make(`${at}/leases`, { scope: `scope ${n}` })
    await make(`${at}/agents`, { agent_id: `agent ${n}` })
    await make(`${at}/arbitrate`, { reason: `reason ${n}` })
    await make(`${at}/decisions`, { decision: `decision ${n}`, decision_type: "choice" })
    await make(`${at}/approvals`, { action: `action ${n}` })
    await make(`${at}/attachments`, { filename: `${n}.txt`, mime_type: "text/plain", content_base64: "aGk=" })
    await make(`${at}/costs`, { cost_type: "tokens", amount: n, unit: "USD" })
    await make(`${at}/costs/reservations`, { amount: n })
    await make(`${at}/failures`, { error_message: `failure ${n}` })
    ids["subscriptionId"] = await make("/subscriptions", { intent_id: intentId })
    ids["portfolioId"] = await make("/portfolios", { name: `portfolio ${n}` })
    await make(`/portfolios/${ids["portfolioId"]}/intents`, { intent_id: intentId })
  }
  for (const needed of chain) await make(`/portfolios/${ids["portfolioId"]}/intents`, { intent_id: needed })
})
afterAll(() => server.close())

interface List {
  readonly name: string
  readonly path: string
}

/** Every route that takes `limit`, `offset` and `after`. */
const lists = (): ReadonlyArray<List> => {
  const found: Array<List> = []
  HttpApi.reflect(Api, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint, group }) => {
      const ast = endpoint.query?.ast
      const names = ast !== undefined && SchemaAST.isObjects(ast) ? ast.propertySignatures.map(({ name }) => name) : []
      if (["limit", "offset", "after"].every((name) => names.includes(name)))
        found.push({ name: `${group.identifier}.${endpoint.identifier}`, path: endpoint.path })
    }
  })
  return found
}

const urlOf = ({ path }: List) => path.replaceAll(/:(\w+)/g, (_, param: string) => ids[param] ?? assert.fail(param))

const linksOf = (header: string | null): { readonly [rel: string]: string | undefined } =>
  Object.fromEntries([...(header ?? "").matchAll(/<([^>]+)>; rel="(\w+)"/g)].map(([, url, rel]) => [rel, url]))

const get = async (url: string) => {
  const { body, headers, status, text } = await server.ask("GET", url)
  assert.strictEqual(status, 200, `${url}: ${text}`)
  const items = Object.values(Object(body)).find(Array.isArray)
  return { items: items ?? assert.fail(text), links: linksOf(headers.get("link")) }
}

/** What `next` leads to, page by page, from this URL on. */
const walk = async (from: string) => {
  const found: Array<unknown> = []
  for (let url: string | undefined = from; url !== undefined;) {
    const { items, links }: Awaited<ReturnType<typeof get>> = await get(url)
    found.push(...items)
    url = links["next"]
    if (url !== undefined) {
      const { searchParams } = new URL(url, "http://localhost")
      assert.isTrue(url.startsWith("/api/v1/"))
      assert.isFalse(searchParams.has("offset"))
      assert.strictEqual(searchParams.get("limit"), "2")
      assert.strictEqual(searchParams.get("order"), "desc") // Also where it means nothing.
    }
  }
  return found
}

/** Of these nothing is made here: of deliveries there are none without an endpoint that is asked. */
const empty = new Set(["subscriptions.deliveries"])

describe("Link", () => {
  it("is known of every list of the contract", () => assert.isAbove(lists().length, 15))

  for (const list of lists()) {
    it(`${list.name}: from an offset on \`next\` leads through the rest, each item once`, async () => {
      const url = `${urlOf(list)}?order=desc`
      const { items: all, links } = await get(`${url}&limit=1000`)
      assert.deepStrictEqual(links, {})
      if (empty.has(list.name)) return assert.strictEqual(all.length, 0)
      assert.isAtLeast(all.length, 3, "items to walk over")
      assert.deepStrictEqual(await walk(`${url}&limit=2`), all)
      for (const offset of [1, 2]) {
        assert.deepStrictEqual(await walk(`${url}&limit=2&offset=${offset}`), all.slice(offset))
      }
    })

    it(`${list.name}: \`prev\` and \`first\` lead back`, async () => {
      if (empty.has(list.name)) return
      const url = `${urlOf(list)}?order=desc&limit=2`
      const first = await get(url)
      assert.sameMembers(Object.keys(first.links), ["next"])
      const { links } = await get(`${url}&offset=3`)
      const { origin, pathname, search } = new URL(links["prev"] ?? "", "http://localhost")
      assert.strictEqual(origin, "http://localhost")
      assert.strictEqual(pathname + search, `${url}&offset=1`)
      assert.strictEqual(links["first"], url)
      assert.deepStrictEqual((await get(links["prev"] ?? "")).items, (await get(`${url}&offset=1`)).items)
      // A cursor does not lead back, but to the beginning.
      const second = await get(first.links["next"] ?? "")
      assert.isUndefined(second.links["prev"])
      assert.strictEqual(second.links["first"], url)
      assert.deepStrictEqual((await get(url)).items, first.items)
    })
  }

  it("keeps what was asked for, and never a key", async () => {
    const query = "status=draft&title=x%20y&limit=1&api_key=dev-user-key"
    const { links } = await get(`/api/v1/intents?${query}&offset=1`)
    for (const url of [links["next"], links["prev"], links["first"]]) {
      const { searchParams } = new URL(url ?? "", "http://localhost")
      assert.strictEqual(searchParams.get("status"), "draft")
      assert.strictEqual(searchParams.get("title"), "x y")
      assert.isFalse(searchParams.has("api_key"))
    }
  })
})
