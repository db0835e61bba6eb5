/** What docs/security.md says of this package and of its tests. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import lock from "../package-lock.json" with { type: "json" }
import manifest from "../package.json" with { type: "json" }
import { root } from "./layers/processes.ts"

const read = (path: string) => readFileSync(join(root, path), "utf8")

/** The sections of the page, by their headings. */
const sections = read("docs/security.md")
  .split(/^## /m)
  .slice(1)
  .map((text) => ({ heading: text.split("\n", 1)[0] ?? "", text }))

const named = (text: string) =>
  [...text.matchAll(/^- `(test\/[^`]+)`: (.+)$/gm)].map(([, file = "", title = ""]) => ({ file, title }))

/** Texts that a test file gives as the first argument of a call: titles are among them. */
const titlesOf = (file: string): ReadonlyArray<string> =>
  [...read(file).matchAll(/\(\s*(["`])((?:\\.|(?!\1)[^\\])*)\1/gs)].map(([, , text = ""]) =>
    text.replaceAll(/\\(.)/g, "$1")
  )

describe("docs/security.md", () => {
  it("has each of the ten risks, in their order", () => {
    const risks = sections.flatMap(({ heading }) => /^API\d+/.exec(heading)?.[0] ?? [])
    assert.deepStrictEqual(
      risks,
      Array.from({ length: 10 }, (_, i) => `API${i + 1}`)
    )
  })

  it("names a test for each, and says what is left to operators", () => {
    for (const { heading, text } of sections.filter((section) => section.heading.startsWith("API"))) {
      assert.isNotEmpty(named(text), heading)
      assert.match(text, /\*\*Here\*\*/, heading)
      if (!heading.startsWith("API10")) assert.match(text, /\*\*Left to\s+operators\*\*/, heading)
    }
  })

  it("names tests that there are", () => {
    for (const { file, title } of sections.flatMap(({ text }) => named(text))) {
      assert.isTrue(existsSync(join(root, file)), file)
      assert.isTrue(
        titlesOf(file).some((found) => found.includes(title)),
        `${file}: ${title}`
      )
    }
  })
})

describe("what the package needs", () => {
  const packages = Object.entries(lock.packages).flatMap(([path, found]) => {
    const name = path.replace(/^.*node_modules\//, "")
    return path === "" ? [] : [{ name, integrity: "", dev: false, hasInstallScript: false, ...found }]
  })

  it("is little, pinned, and runs nothing when it is installed", () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      assert.match(version, /^\d+\.\d+\.\d+$/, name)
    }
    for (const { integrity, name } of packages) assert.match(integrity, /^sha512-/, name)
    const shipped = packages.filter(({ dev, name }) => !dev && !/^@types\/|-types$/.test(name))
    for (const { hasInstallScript, name } of shipped) assert.isFalse(hasInstallScript, name)
    const text = sections.find(({ heading }) => heading === "Supply chain")?.text ?? ""
    for (const { name } of shipped) assert.include(text, `\`${name.replace(/^@redis\/.*/, "redis")}\``)
    assert.sameMembers(
      [...new Set(shipped.map(({ name }) => name.replace(/^@redis\/.*/, "redis")))],
      ["effect", "@effect/platform-node", "@effect/platform-node-shared", "undici", "ws", "redis"]
    )
  })
})
