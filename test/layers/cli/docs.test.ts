/** The page of the command line: what it shows and lists is compared with what there is. */
import { assert, describe, it } from "@effect/vitest"
import { chmodSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { createEngine } from "../../../src/layers/createEngine.ts"
import { newFolder, openintent, root } from "../processes.ts"

const page = readFileSync(join(root, "docs/cli.md"), "utf8")

const section = (title: string): string =>
  page.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? assert.fail(`no section ${title}`)

/** First cells of the lines of the table whose head begins so. */
const first = (text: string, head: string): ReadonlyArray<string> => {
  const [, table = ""] = new RegExp(`^\\| ${head} .*\\n\\|[ :|-]+\\n((?:\\|.*\\n)+)`, "m").exec(text) ?? []
  return table
    .trim()
    .split("\n")
    .map((line) => line.split("|")[1]?.trim() ?? "")
}

const codes = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code)

/** Ids, times and measures differ from run to run. */
const steady = (text: string) =>
  text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replaceAll(/\S+\/(?:openintent|copy)\.db/g, "FILE")
    .replaceAll(/\d[\d.]* (?:bytes|KiB|MiB|GiB|TiB|s|min)\b/g, "N")
    .replaceAll(/Node [\d.]+|may open (?:\d+|any number of) files|schema \d+/g, "N")
    .replaceAll(/ +/g, " ")

/** Lines of a doctor that are the same on every machine. */
const ofFile = (text: string) =>
  text.split("\n").filter((line) => /^\w+ (?!limits|disk|file\.system)\w+[.\w]* /.test(line) && !/^\d/.test(line))

const shown = (title: string): string => steady(/^```\n\$ .*\n([^]*?)^```$/m.exec(section(title))?.[1] ?? "")

describe("docs/cli.md", () => {
  it("shows what is printed", async () => {
    const cwd = newFolder()
    const id = await (async () => {
      await using engine = (await createEngine({ storage: `sqlite:${join(cwd, "openintent.db")}` })).as("writer")
      const data = await engine.intents.create({ title: "Collect data", status: "active" })
      const clean = await engine.intents.create({ title: "Clean data", dependsOn: [data.id] })
      const report = await engine.intents.create({ title: "Report on tides", dependsOn: [clean.id] })
      await engine.events.append(data.id, { type: "comment", payload: { text: "half of it is there" } })
      await engine.governance.requestArbitration(report.id, { reason: "Which tides?" })
      await engine.agents.assign(data.id, { agentId: "reader" })
      while ((await engine.events.verify(data.id)).unsealedCount > 0)
        await new Promise((resolve) => void setTimeout(resolve, 20))
      return report.id
    })()
    chmodSync(join(cwd, "openintent.db"), 0o600)
    const of = async (...args: ReadonlyArray<string>) => (await openintent(args, { cwd }).ended).stdout
    assert.isAbove(ofFile(shown("Doctor")).length, 10)
    assert.deepStrictEqual(ofFile(steady(await of("doctor"))), ofFile(shown("Doctor")))
    assert.strictEqual(steady(await of("backup", "copy.db")), shown("Backup"))
    assert.strictEqual(steady(await of("tail", "--after", "4", "--once")), shown("Tail"))
    assert.strictEqual(steady(await of("why", id)), shown("Why"))
  })

  it("names every command and its flags", async () => {
    const helpOf = async (...command: ReadonlyArray<string>) => (await openintent([...command, "--help"]).ended).stdout
    const [, list = ""] = (await helpOf()).split("SUBCOMMANDS\n")
    const commands = [...list.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name)
    const named = first(page, "Command").map((cell) => codes(cell)[0]?.split(" ")[1])
    assert.sameMembers(named, commands)
    for (const [title, command] of [
      ["Backup", "backup"],
      ["Doctor", "doctor"],
      ["Tail", "tail"],
      ["Why", "why"]
    ] as const) {
      const [, flags = ""] = /\nFLAGS\n([^]*?)\n\n/.exec(await helpOf(command)) ?? []
      const there = [...flags.matchAll(/^ {2}(--.*?)(?: {2,}| \w+ {2,})/gm)].flatMap(([, names = ""]) =>
        names.split(", ")
      )
      assert.sameMembers(
        first(section(title), "Flag").flatMap(codes),
        there.map((name) => name.split(" ")[0] ?? ""),
        command
      )
    }
  })

  it("names the checks and the reasons, and no other", () => {
    const sources = (folder: string) =>
      readdirSync(join(root, folder))
        .map((name) => readFileSync(join(root, folder, name), "utf8"))
        .join("\n")
    const ids = [...sources("src/layers/doctor").matchAll(/\b(?:ok|warning|problem|judge)\(\s*"([\w.]+)"/g)].map(
      ([, id]) => id
    )
    assert.sameMembers(first(page, "Check").flatMap(codes), [...new Set(ids)])
    const [, type = ""] = /export type Code =\n([^]*?)\n\n/.exec(sources("src/layers/why")) ?? []
    const reasons = [...type.matchAll(/"(\w+)"/g)].map(([, code]) => code)
    assert.sameMembers(first(page, "Reason").flatMap(codes), ["ready", ...reasons])
  })
})
