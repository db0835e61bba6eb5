/** Small programs in plain JavaScript, run as processes of their own. */
import { spawn, spawnSync } from "node:child_process"

const path = (name: string) => new URL(`../children/${name}`, import.meta.url).pathname

/** What the program printed when it ended. */
export const outputOf = (name: string, values: ReadonlyArray<string>, flags: ReadonlyArray<string> = []): string => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [...flags, path(name), ...values], {
    encoding: "utf8"
  })
  if (status !== 0) throw new Error(`${name} failed: ${stderr}`)
  return stdout
}

/** Milliseconds from spawning the program to the first thing that it prints. */
export const firstOutput = (
  name: string,
  values: ReadonlyArray<string>,
  flags: ReadonlyArray<string> = []
): Promise<number> =>
  new Promise((resolve, reject) => {
    const start = performance.now()
    const child = spawn(process.execPath, [...flags, path(name), ...values], { stdio: ["ignore", "pipe", "inherit"] })
    let millis: number | undefined
    child.stdout.once("data", () => {
      millis = performance.now() - start
    })
    child.once("error", reject)
    child.once("close", () => {
      if (millis === undefined) reject(new Error(`${name} printed nothing`))
      else resolve(millis)
    })
  })
