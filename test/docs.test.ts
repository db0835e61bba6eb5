/** The reference: its snippets are run, and what it lists is compared with what there is. */
import { assert, describe, it } from "@effect/vitest"
import { HttpApi } from "effect/http-api"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import * as openintent from "openintent"
import { createEngine } from "openintent"
import { defaultOptions } from "../src/core/EngineOptions.ts"
import { tierOf } from "../src/core/event/eventTypes.ts"
import { defaultWebhookOptions } from "../src/core/subscription/options.ts"
import { Api } from "../src/http/Api.ts"
import { type EngineFailure, refusalOf } from "../src/http/failures.ts"
import { defaultHttpOptions } from "../src/http/HttpOptions.ts"
import { newFolder, node, root, run } from "./layers/processes.ts"

const folder = join(root, "docs")
const names = readdirSync(folder)
const pages = new Map(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]))
const page = (name: string): string => pages.get(name) ?? assert.fail(`no page ${name}`)
const all = [...pages.values()].join("\n")

/** Pages that are not about a noun; the index has a link to each. */
const apart = new Set([
  "README.md",
  "cli.md",
  "faults.md",
  "idempotency.md",
  "observability.md",
  "rights.md",
  "security.md",
  "server.md",
  "verification.md"
])

/** One page for each noun. */
const nouns = names.filter((name) => !apart.has(name))

/** The lines of the table whose first column has this name, as their cells. */
const table = (text: string, first: string): ReadonlyArray<ReadonlyArray<string>> =>
  [...text.matchAll(/^\| .*\|\n\|[ :|-]+\|\n(?:\|.*\|\n)+/gm)].flatMap(([found]) => {
    const [head = [], , ...lines] = found
      .trim()
      .split("\n")
      .map((line) =>
        line
          .slice(1, -1)
          .split("|")
          .map((cell) => cell.trim())
      )
    return head[0] === first ? lines : []
  })

const codes = (text = ""): ReadonlyArray<string> => [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code)
const code = (text = ""): string => codes(text)[0] ?? assert.fail(`no code in ${text}`)

const isError = (value: unknown): value is new (...args: ReadonlyArray<unknown>) => EngineFailure =>
  typeof value === "function" && value.prototype instanceof Error
const errors = Object.entries(openintent).filter(([, value]) => isError(value))

/** Those that a call never ends with: the engine could not be made. */
const ofOpening = new Set(["StorageError", "UnsupportedStorage"])

interface Snippet {
  readonly name: string
  readonly source: string
  readonly output: string
}

/** Pages with a snippet. */
const shown = [...nouns, "verification.md"]

const snippets = shown.map((name): Snippet => {
  const [found, ...others] = page(name).matchAll(/^```ts\n(.*?)^```\n\n```text\n(.*?)^```$/gms)
  assert.deepStrictEqual(others, [], name)
  const [, source = "", output = ""] = found ?? assert.fail(`${name} has no snippet`)
  return { name, source, output }
})

/** How many of them run at a time. */
const width = 3

describe("docs", () => {
  it("prints what the snippets say", async () => {
    const waiting = snippets.values()
    const runNext = async () => {
      for (const { name, output, source } of waiting) {
        // From the root, so that `openintent` is found; nothing is written there.
        const flags = ["--conditions=openintent-source", "--input-type=module-typescript", "--eval", source]
        assert.deepStrictEqual(
          { name, ...(await run(node, flags, { cwd: root }).ended) },
          { name, code: 0, stdout: output, stderr: "" }
        )
      }
    }
    await Promise.all(Array.from({ length: width }, runNext))
  })

  it("has no code but snippets", () => {
    for (const [name, text] of pages) {
      const languages = [...text.matchAll(/^```(\w+)$/gm)].map(([, language]) => language ?? "")
      // Commands, and the settings of other programs, are none.
      const found = languages.filter((language) => language !== "sh" && language !== "yaml")
      assert.deepStrictEqual(found, shown.includes(name) ? ["ts", "text"] : [], name)
    }
  })

  it("has commands with flags that there are", () => {
    // Those of the README are compared with the command line (test/readme.test.ts).
    const known = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/`(--[\w-]+)`/g)].map(([, flag]) => flag)
    const commands = [...all.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = ""]) => text)
    assert.isNotEmpty(commands)
    for (const flag of commands.join("").match(/(?<= )--[\w-]+/g) ?? []) assert.include(known, flag)
  })

  it("has snippets whose types are right", async () => {
    const cwd = newFolder()
    const at = (path: string) => [join(root, path)]
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      readonly exports: { readonly [path: string]: { readonly "openintent-source"?: string } }
    }
    const sources = Object.entries(manifest.exports).map(([path, to]) => [
      path.replace(/^\./, "openintent"),
      at(to["openintent-source"] ?? "package.json")
    ])
    const compilerOptions = {
      paths: { ...Object.fromEntries(sources), "*": at("node_modules/*") },
      typeRoots: at("node_modules/@types"),
      types: ["node"]
    }
    writeFileSync(join(cwd, "package.json"), JSON.stringify({ type: "module" }))
    writeFileSync(
      join(cwd, "tsconfig.json"),
      JSON.stringify({ extends: join(root, "tsconfig.json"), compilerOptions, include: ["*.ts"] })
    )
    for (const { name, source } of snippets) writeFileSync(join(cwd, name.replace(/md$/, "ts")), source)
    const { stdout } = await run(node, [join(root, "node_modules/typescript/bin/tsc"), "--noEmit"], { cwd }).ended
    // What is wrong in the sources is for others to tell.
    const own = stdout.split("\n").filter((line) => line !== "" && !/^(?:\.\.\/)+.*\/src\//.test(line))
    assert.deepStrictEqual(own, [])
  })

  it("names each route on one page, and no other", () => {
    const there: Array<string> = []
    HttpApi.reflect(Api, {
      onGroup: () => undefined,
      onEndpoint: ({ endpoint }) => void there.push(`${endpoint.method} ${endpoint.path.replaceAll(/:(\w+)/g, "{$1}")}`)
    })
    const named = table(all, "Method").map(([method, path]) => `${code(method)} ${code(path)}`)
    assert.deepStrictEqual(named.toSorted(), there.toSorted())
  })

  it("names the calls of each noun on its page, and no other", async () => {
    await using engine = await createEngine({ storage: "memory:" })
    const { as: _as, close: _close, once: _once, health, ...members } = engine
    assert.sameMembers(
      nouns,
      Object.keys(members).map((noun) => `${noun}.md`)
    )
    for (const [noun, calls] of Object.entries(members)) {
      const named = table(page(`${noun}.md`), "Call").map(([call]) => code(call).replace(/\(.*$/, ""))
      assert.sameMembers(named, Object.keys(calls), noun)
    }
    for (const call of Object.keys(health)) assert.include(page("README.md"), `health.${call}(`)
  })

  it("names errors that there are", () => {
    const known = new Set(errors.map(([name]) => name))
    for (const [call, , failures] of table(all, "Call"))
      for (const name of codes(failures)) assert.isTrue(known.has(name), `${name} of ${call}`)
  })

  it("gives each error with its status and code", () => {
    // Whatever one of them has.
    const sample = {
      field: "state",
      issues: [],
      dependencyIds: [],
      path: [],
      unmet: [],
      open: [],
      existing: {},
      holder: {}
    }
    const named = table(page("README.md"), "Class").map(([name, status, kind]) => [
      code(name),
      Number(status),
      code(kind)
    ])
    const there = errors.flatMap(([name, value]) => {
      if (!isError(value) || ofOpening.has(name)) return []
      const refusal = refusalOf(new value(sample))
      return [[name, refusal.status, refusal.code]]
    })
    assert.sameDeepMembers(named, there)
  })

  it("tells which events are hidden", () => {
    for (const name of nouns) {
      const areAll = /^All are _hidden_/m.test(page(name))
      for (const [type, when = ""] of table(page(name), "Type"))
        assert.strictEqual(areAll || when.startsWith("_hidden_"), tierOf(code(type)) === 2, `${code(type)} in ${name}`)
    }
  })

  it("names each switch", () => {
    const named = new Set(codes(all.replaceAll(/^```.*?^```$/gms, "")).map((text) => text.replace(/: .*$/, "")))
    const { keys: _keys, ...http } = defaultHttpOptions
    for (const name of Object.keys({ ...defaultOptions, ...defaultWebhookOptions, ...http }))
      assert.isTrue(named.has(name), name)
  })

  it("is listed in its index", () => {
    const listed = table(page("README.md"), "Page").map(([link, noun]) => [link, code(noun)])
    assert.sameDeepMembers(
      listed,
      nouns.map((name) => [`[${name}](${name})`, name.replace(/\.md$/, "")])
    )
  })

  it("links to what is there", () => {
    const anchors = (text: string) =>
      [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => title.toLowerCase().replaceAll(" ", "-"))
    for (const [name, text] of pages) {
      for (const [, link = ""] of text.matchAll(/\]\(([^)]+)\)/g)) {
        if (link.startsWith("https:")) continue
        const [path = "", anchor] = link.split("#")
        const target = normalize(join(dirname(join(folder, name)), path))
        assert.isTrue(existsSync(target), `${link} in ${name}`)
        if (anchor !== undefined) assert.include(anchors(readFileSync(target, "utf8")), anchor, `${link} in ${name}`)
      }
    }
  })
})
