/** The file, its log, and the file system they are on. */
import { access, constants, stat, statfs } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import { readWalIndex, type WalIndex } from "../../storage/sqlite/wal.ts"
import { bytesText } from "../cli/output.ts"
import { type Finding, ok, problem, warning } from "./Finding.ts"

export interface FileState {
  readonly path: string
  readonly isFile: boolean
  readonly bytes: number
  /** Permissions, as in 0o600; undefined where there are none. */
  readonly mode: number | undefined
  readonly isReadable: boolean
  readonly isWritable: boolean
  /** The log is made beside the file. */
  readonly isFolderWritable: boolean
  /** Bytes of the log; undefined where there is none. */
  readonly walBytes: number | undefined
  readonly wal: WalIndex | undefined
}

export interface FileSystem {
  /** Its magic number (`man 2 statfs`); on other systems than Linux of no meaning. */
  readonly type: number
  readonly freeBytes: number
}

/** Those that keep a write-ahead log badly: its index is shared memory, which they do not share between machines. */
const remoteSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x517b, "SMB"],
  [0x01021997, "9p"],
  [0x00c36400, "Ceph"]
])
const memorySystems: ReadonlyMap<number, string> = new Map([
  [0x01021994, "tmpfs"],
  [0x858458f6, "ramfs"]
])

/** The log may grow to 32 MiB and more before it begins anew, and a full disk refuses every write. */
const freeLow = 64 * 1024 * 1024
const freeSparse = 1024 * 1024 * 1024

/** Four times what starts a copy into the file (`wal_autocheckpoint`). */
const framesBehindMax = 16_000
/** Several times what a log is cut to when it begins anew (`journal_size_limit`). */
const walLarge = 128 * 1024 * 1024

const permissions = (mode: number): Finding => {
  const text = `permissions are ${mode.toString(8).padStart(3, "0")}`
  if ((mode & 0o002) !== 0) return problem("file.permissions", `${text}: everybody on this machine can change the work`)
  if ((mode & 0o004) !== 0)
    return warning(
      "file.permissions",
      `${text}: everybody on this machine can read the work and its secrets (chmod o-rwx)`
    )
  return ok("file.permissions", text)
}

const wal = ({ wal, walBytes }: FileState): ReadonlyArray<Finding> => {
  if (walBytes === undefined) return [ok("wal.size", "no log beside the file: nobody has it open")]
  const size = `the log has ${bytesText(walBytes)}`
  const behind = wal === undefined ? 0 : wal.frames - wal.copied
  return [
    walBytes > walLarge
      ? warning("wal.size", `${size}: it should be cut to 32 MiB when it begins anew`)
      : ok("wal.size", size),
    wal === undefined
      ? ok(
          "wal.checkpoint",
          walBytes === 0 ? "nothing to copy" : "nobody has the log open: it is read at the next opening"
        )
      : behind > framesBehindMax
        ? warning(
            "wal.checkpoint",
            `${behind} pages of the log wait to be copied into the file: a reader holds an old state, or checkpoints fail`
          )
        : ok("wal.checkpoint", `${behind} of ${wal.frames} pages wait to be copied into the file`)
  ]
}

export const judgeFile = (file: FileState): ReadonlyArray<Finding> => {
  const { bytes, isFile, isFolderWritable, isReadable, isWritable, mode, path } = file
  if (!isFile) return [problem("file.exists", `${path} is no file`)]
  return [
    ok("file.exists", `${path}, ${bytesText(bytes)}`),
    isReadable ? ok("file.readable", "it can be read") : problem("file.readable", "this user cannot read it"),
    !isWritable
      ? problem("file.writable", "this user cannot write it")
      : isFolderWritable
        ? ok("file.writable", "it can be written, and so can its folder")
        : problem("file.writable", `this user cannot write the folder ${dirname(path)}, where its log has to be`),
    ...(mode === undefined ? [] : [permissions(mode)]),
    ...wal(file)
  ]
}

export const judgeFileSystem = ({ freeBytes, type }: FileSystem, fileBytes: number): ReadonlyArray<Finding> => {
  const free = `${bytesText(freeBytes)} are free`
  const remote = remoteSystems.get(type)
  const memory = memorySystems.get(type)
  return [
    remote !== undefined
      ? problem("file.system", `${remote}: a file shared between machines is not safe; use a disk of this one`)
      : memory !== undefined
        ? warning("file.system", `${memory} is memory: the work is gone when the machine restarts`)
        : ok("file.system", "on a disk of this machine"),
    freeBytes < freeLow
      ? problem("disk.space", `${free}: writes are about to fail`)
      : freeBytes < Math.max(freeSparse, fileBytes)
        ? warning("disk.space", `${free}: a backup of the file may not fit`)
        : ok("disk.space", free)
  ]
}

const may = (path: string, mode: number): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false
  )

/** Rejects as `stat` does. */
export const lookAtFile = async (given: string): Promise<FileState> => {
  const path = resolve(given)
  const file = await stat(path)
  const [isReadable, isWritable, isFolderWritable, walBytes] = await Promise.all([
    may(path, constants.R_OK),
    may(path, constants.W_OK),
    may(dirname(path), constants.W_OK),
    stat(`${path}-wal`).then(
      ({ size }) => size,
      () => undefined
    )
  ])
  return {
    path,
    isFile: file.isFile(),
    bytes: file.size,
    mode: process.platform === "win32" ? undefined : file.mode & 0o777,
    isReadable,
    isWritable,
    isFolderWritable,
    walBytes,
    wal: readWalIndex(path)
  }
}

export const lookAtFileSystem = async (path: string): Promise<FileSystem> => {
  const { bavail, bsize, type } = await statfs(dirname(resolve(path)))
  return { type, freeBytes: bavail * bsize }
}
