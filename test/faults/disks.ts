/** Disks that fail when a test wants it, where the machine lets us make them. */
import { execFileSync } from "node:child_process"
import { appendFileSync, closeSync, existsSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { newFolder } from "../layers/processes.ts"
import { onTestFinished } from "vitest"

const succeeds = (command: string, ...args: ReadonlyArray<string>): boolean => {
  try {
    execFileSync(command, args, { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

/** A small file system of its own. */
export interface Disk {
  readonly path: string
  /** Leaves no room at all, and gives it back. */
  readonly fill: () => void
  readonly free: () => void
  readonly resize: (mebibytes: number) => void
  /** Refused while files there are open for writing. */
  readonly setReadOnly: (readOnly: boolean) => void
}

const mount = (path: string, mebibytes: number) =>
  succeeds("mount", "-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", path)

const block = Buffer.alloc(4096)

/** Until the test ends. */
export const newDisk = (mebibytes: number): Disk => {
  const path = newFolder()
  if (!mount(path, mebibytes)) throw new Error("cannot mount")
  onTestFinished(() => void execFileSync("umount", ["-l", path]))
  const ballast = join(path, "ballast")
  const remount = (options: string) => void execFileSync("mount", ["-o", `remount,${options}`, path])
  return {
    path,
    fill: () => {
      const descriptor = openSync(ballast, "a")
      try {
        for (;;) writeSync(descriptor, block)
      } catch (cause) {
        if (!(cause instanceof Error && "code" in cause && cause.code === "ENOSPC")) throw cause
      } finally {
        closeSync(descriptor)
      }
    },
    free: () => rmSync(ballast),
    resize: (size) => remount(`size=${size}m`),
    setReadOnly: (readOnly) => remount(readOnly ? "ro" : "rw")
  }
}

/** Whether file systems can be mounted here: it takes Linux and root. */
export const canMount: boolean = (() => {
  const path = join("/tmp", `openintent-mount-${process.pid}`)
  if (!succeeds("mkdir", path)) return false
  const mounted = mount(path, 1)
  if (mounted) execFileSync("umount", [path])
  rmSync(path, { recursive: true })
  return mounted
})()

/**
 * The file and its log. The memory that processes share beside them is left: the kernel ends whoever writes to a
 * mapped page of an immutable file (not of a whole disk that became read-only), and no program can answer that.
 */
const filesOf = (file: string): ReadonlyArray<string> => [file, `${file}-wal`].filter((one) => existsSync(one))

/** Refuses every write, also by those who have it open, root included; false where the file system knows no such thing. */
export const setImmutable = (file: string, immutable: boolean): boolean =>
  succeeds("chattr", immutable ? "+i" : "-i", ...filesOf(file))

/** Whether a file can be made immutable while it is open. */
export const canSetImmutable: boolean = (() => {
  const folder = join("/tmp", `openintent-immutable-${process.pid}`)
  if (!succeeds("mkdir", folder)) return false
  const file = join(folder, "file")
  writeFileSync(file, "")
  const descriptor = openSync(file, "a")
  const isSet = setImmutable(file, true)
  let isRefused = false
  try {
    appendFileSync(descriptor, "x")
  } catch {
    isRefused = true
  } finally {
    closeSync(descriptor)
    if (isSet) setImmutable(file, false)
    for (const name of readdirSync(folder)) rmSync(join(folder, name))
    rmSync(folder, { recursive: true })
  }
  return isSet && isRefused
})()

/** Limits how large files may grow that a process writes; undefined: no limit. Needs no rights. */
export const limitFileSize = (pid: number, bytes: number | undefined): boolean =>
  succeeds("prlimit", "--pid", String(pid), `--fsize=${bytes ?? "unlimited"}:unlimited`)

export const canLimitFileSize: boolean = limitFileSize(process.pid, undefined)
