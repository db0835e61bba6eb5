/** The sources as JavaScript, as users get them: what memory and start are measured with. */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { resultsFolder } from "./files.ts"

const project = resolve(import.meta.dirname, "../..")

/** Compiles into a folder of the benchmarks' own, so that `dist` stays as it is, and answers the folder. */
export const build = (): string => {
  const folder = join(resultsFolder, "build")
  rmSync(folder, { recursive: true, force: true })
  const { stderr, stdout } = spawnSync(
    join(project, "node_modules/.bin/rolldown"),
    ["--config", "rolldown.config.ts", "--dir", folder],
    { cwd: project, encoding: "utf8" }
  )
  if (!existsSync(join(folder, "index.js"))) throw new Error(`nothing was built: ${stdout}${stderr}`)
  return folder
}

const staticImport = /^(?:import|export)\s(?:[^"'();=]*\sfrom\s)?\s*["']([^"']+)["']/gm

/** Every module of a package that a built module loads, itself or by what it imports. */
export const packagesOf = (entry: string): ReadonlyArray<string> => {
  const [files, packages] = [new Set<string>(), new Set<string>()]
  const visit = (file: string): void => {
    if (files.has(file)) return
    files.add(file)
    for (const [, specifier = ""] of readFileSync(file, "utf8").matchAll(staticImport)) {
      if (specifier.startsWith(".")) visit(join(dirname(file), specifier))
      else if (!specifier.startsWith("node:")) packages.add(specifier)
    }
  }
  visit(entry)
  return [...packages].toSorted()
}
