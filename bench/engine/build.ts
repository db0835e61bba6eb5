/** The sources as JavaScript, as users get them: what memory and start are measured with. */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { resultsFolder } from "./files.ts"

const project = resolve(import.meta.dirname, "../..")

/** Compiles into a folder of the benchmarks' own, so that `dist` stays as it is, and answers the folder. */
export const build = (): string => {
  const folder = join(resultsFolder, "build")
  const { stderr, stdout } = spawnSync(
    join(project, "node_modules/.bin/tsc"),
    ["--project", "tsconfig.build.json", "--outDir", folder, "--declaration", "false", "--declarationMap", "false"],
    { cwd: project, encoding: "utf8" }
  )
  // It emits even if a type is wrong somewhere; what is wrong with types is not for a benchmark to tell.
  if (!existsSync(join(folder, "index.js"))) throw new Error(`tsc emitted nothing: ${stdout}${stderr}`)
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
