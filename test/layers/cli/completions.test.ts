/** The scripts that complete the command line, in the shells that are here. */
import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { newFolder, openintent, run } from "../processes.ts"

const commands = ["serve", "backup", "doctor", "tail", "why", "keys"]

const scriptOf = async (shell: string) => {
  const { code, stderr, stdout } = await openintent(["--completions", shell]).ended
  assert.deepStrictEqual([code, stderr], [0, ""])
  return stdout
}

const has = (shell: string): boolean => {
  try {
    execFileSync(shell, ["-c", "exit 0"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

describe("completions", () => {
  it("bash: subcommands, their flags, and files", async () => {
    const folder = newFolder()
    writeFileSync(join(folder, "script"), await scriptOf("bash"))
    writeFileSync(join(folder, "monday.db"), "")
    const complete = async (line: string) => {
      const words = line.split(" ")
      const { code, stderr, stdout } = await run(
        "bash",
        [
          "--norc",
          "-c",
          `source ./script; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}
          complete -p openintent >/dev/null; _openintent openintent "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"
          printf '%s\\n' "\${COMPREPLY[@]}"`,
          "bash",
          ...words
        ],
        { cwd: folder }
      ).ended
      assert.deepStrictEqual([code, stderr], [0, ""])
      return stdout.split("\n").flatMap((word) => word.trim() || [])
    }
    assert.includeMembers([...(await complete("openintent "))], commands)
    assert.deepStrictEqual(await complete("openintent doc"), ["doctor"])
    assert.deepStrictEqual(await complete("openintent doctor --fu"), ["--full"])
    assert.includeMembers(
      [...(await complete("openintent tail --"))],
      ["--agent", "--after", "--type", "--once", "--url", "--json"]
    )
    assert.deepStrictEqual(await complete("openintent backup mon"), ["monday.db"])
  })

  it.each(["zsh", "fish"])(
    "%s: a script with all subcommands and flags, which the shell takes if it is here",
    async (shell) => {
      const script = await scriptOf(shell)
      for (const word of [...commands, "portfolio", "full", "force", "api-key"]) assert.include(script, word)
      const file = join(newFolder(), "script")
      writeFileSync(file, script)
      if (has(shell)) execFileSync(shell, ["-n", file])
    }
  )
})

describe("openintent --help", () => {
  it("lists every subcommand with one line", async () => {
    const { code, stdout } = await openintent(["--help"]).ended
    assert.strictEqual(code, 0)
    const [, list = ""] = stdout.split("SUBCOMMANDS\n")
    for (const command of commands) assert.match(list, new RegExp(`^ {2}${command} +\\S.{10,90}$`, "m"))
  })
})
