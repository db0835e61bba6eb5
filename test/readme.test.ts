/** Everything in the README that can be run is run, and what it lists is compared with what there is. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import manifest from "../package.json" with { type: "json" }
import { newFolder, openintent, root, run, started } from "./layers/processes.ts"

const read = (path: string) => readFileSync(join(root, path), "utf8")
const readme = read("README.md")

const blocks = [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({ language, text: text! }))
const of = (language: string) => blocks.filter((block) => block.language === language).map(({ text }) => text)

/** The lines of the tables under a heading, as their cells. */
const table = (heading: string): ReadonlyArray<ReadonlyArray<string>> => {
  const section = readme.split(/^## /m).find((part) => part.startsWith(heading)) ?? assert.fail(`no section ${heading}`)
  return [...section.matchAll(/^\| (`.*) \|$/gm)].map(([, line]) => line!.split(" | ").map((cell) => cell.trim()))
}

const codes = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!)

/** The server, by a command of the README, but on any free port and its own file. */
const serve = (command: string) =>
  run("bash", ["-c", command], {
    cwd: root,
    env: { OPENINTENT_PORT: "0", DATABASE_URL: `sqlite:${join(newFolder(), "openintent.db")}` }
  })

const install = "npm install && npm test"
const start = "npm install && npm start"

describe("README", () => {
  it("has no command and no code but those that are tried here", () => {
    assert.sameMembers([...new Set(blocks.map(({ language }) => language))], ["json", "sh", "text", "ts"])
    const commands = of("sh").map((text) => text.trim())
    assert.deepStrictEqual(
      commands.map((command) => command.replace(/^curl .*$/s, "curl")),
      [start, "curl", install, "npm start -- --port 9000 --database-url memory:"]
    )
  })

  it("installs, tests and builds by what .ci/run does", () => {
    const ci = read(".ci/run")
    for (const command of [install, "npm run build"]) {
      assert.include(ci, `"${command}"`)
      assert.include(readme, command)
    }
  })

  it("starts a server, and the first curl answers what is shown", async () => {
    const server = serve(start.replace("npm install && ", ""))
    const { annotations } = await started(server)
    const command = of("sh").find((text) => text.startsWith("curl"))
    const { code, stdout } = await run("bash", [
      "-c",
      command!.replace("curl", "curl --silent").replace("http://localhost:8000", annotations.url)
    ]).ended
    assert.strictEqual(code, 0)
    const shown = JSON.parse(of("json")[0]!) as object
    const answered = JSON.parse(stdout) as {
      readonly id: string
      readonly created_at: string
      readonly updated_at: string
    }
    const { created_at, id, updated_at } = answered
    assert.deepStrictEqual(answered, { ...shown, id, created_at, updated_at })
    assert.deepStrictEqual(Object.keys(answered), Object.keys(shown))
    assert.strictEqual((await fetch(`${annotations.url}/docs`)).status, 200)
  })

  it("passes flags through npm start", async () => {
    const { annotations } = await started(serve("npm start -- --port 0 --database-url memory:"))
    assert.strictEqual(annotations.storage, "memory:")
  })

  it("shows examples that are tried (test/examples)", () => {
    const examples = readdirSync(join(root, "examples")).map((name) => read(`examples/${name}`))
    assert.strictEqual(of("ts").length, 3)
    for (const text of of("ts")) assert.include(examples, text)
  })

  it("names the flags and variables that the command line has", async () => {
    const { stdout } = await openintent(["serve", "--help"]).ended
    const flags = stdout.slice(stdout.indexOf("\nFLAGS\n"), stdout.indexOf("\nGLOBAL FLAGS\n"))
    const there = [...flags.matchAll(/^ {2}(--[\w-]+).*\(([A-Z_]+)\)$/gm)].map(([, flag, variable]) => [flag, variable])
    assert.strictEqual(there.length, flags.match(/^ {2}--/gm)?.length)
    const named = table("Command line").map(([flag, variable]) => [...codes(flag!), ...codes(variable!)])
    assert.deepStrictEqual(named, there)
  })

  it("gives a reason for each dependency", () => {
    const named = table("Dependencies").flatMap(([names, reason]) => (reason === "" ? [] : codes(names!)))
    const there = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)]
    assert.sameMembers(named, there)
  })

  it("names the subpaths of the package", () => {
    const named = table("Embed the engine").flatMap(([names]) => codes(names!))
    const there = Object.keys(manifest.exports).filter((path) => path !== "./package.json")
    assert.sameMembers(
      named,
      there.map((path) => path.replace(/^\./, "openintent"))
    )
  })

  it("links to what is there", () => {
    const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link!)
    assert.isAbove(links.length, 0)
    for (const link of links) {
      if (link.startsWith("#")) assert.match(readme, new RegExp(`^## ${link.slice(1).replaceAll("-", ",? ")}$`, "im"))
      else if (!link.startsWith("https:")) assert.isTrue(existsSync(join(root, link)), link)
    }
  })
})
