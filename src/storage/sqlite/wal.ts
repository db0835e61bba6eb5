/** How far the write-ahead log is copied into the file: read from its index, which no connection tells without writing. */
import { readFileSync } from "node:fs"
import { endianness } from "node:os"

/** Frames are pages of the log (https://sqlite.org/walformat.html#the_wal_index_file_format). */
export interface WalIndex {
  readonly frames: number
  /** Those that are in the file, so that the log may begin anew once all are. */
  readonly copied: number
}

const headerBytes = 136
const supported = 3_007_000

/** Undefined where no process has the log open, or its index is of a form that is not known. */
export const readWalIndex = (path: string): WalIndex | undefined => {
  let index: Buffer
  try {
    index = readFileSync(`${path}-shm`)
  } catch {
    return undefined
  }
  if (index.length < headerBytes) return undefined
  const number = (at: number) => (endianness() === "LE" ? index.readUInt32LE(at) : index.readUInt32BE(at))
  return number(0) === supported ? { frames: number(16), copied: number(96) } : undefined
}
