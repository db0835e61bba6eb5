/** Files on a real disk, that are gone afterwards: a sync to a file system in memory costs nothing. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Of `statfs`: tmpfs and ramfs. */
const inMemory: ReadonlySet<number> = new Set([0x01021994, 0x858458f6])

/** What `npm run bench` leaves behind, and the place of its files where the temporary folder is no disk. */
export const resultsFolder = new URL("../results/", import.meta.url).pathname

const base = (): string => {
  if (!inMemory.has(statfsSync(tmpdir()).type)) return tmpdir()
  mkdirSync(resultsFolder, { recursive: true })
  return resultsFolder
}

/** A folder of its own for `use`, removed after it. */
export const withFolder = async <A>(use: (folder: string) => Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(base(), "openintent-bench-"))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A copy of a database that nobody has open. */
export const copyFile = (from: string, to: string): string => {
  cpSync(from, to)
  return to
}
