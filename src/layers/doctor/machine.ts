/** The process and the machine that a server would run on. */
import { totalmem } from "node:os"
import { bytesText } from "../cli/output.ts"
import { type Finding, ok, problem, warning } from "./Finding.ts"

export interface Machine {
  /** As in `24.21.0`. */
  readonly nodeVersion: string
  /** Files that a process may have open; undefined where it is not known or not limited. */
  readonly openFilesMax: number | undefined
  readonly memoryBytes: number
  readonly memoryAvailableBytes: number
}

/** What the package asks for. */
const nodeNeeded = [22, 19] as const
/** A server with a thousand streams, and the files of Node itself. */
const openFilesLow = 2048
const memoryLow = 256 * 1024 * 1024

const isNodeOld = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  return major < nodeNeeded[0] || (major === nodeNeeded[0] && minor < nodeNeeded[1])
}

export const judgeMachine = (machine: Machine): ReadonlyArray<Finding> => {
  const { memoryAvailableBytes, memoryBytes, nodeVersion, openFilesMax } = machine
  const memory = `${bytesText(memoryAvailableBytes)} of ${bytesText(memoryBytes)} of memory are available`
  return [
    isNodeOld(nodeVersion)
      ? problem("limits.node", `Node ${nodeVersion} is too old: ${nodeNeeded.join(".")} or newer is needed`)
      : ok("limits.node", `Node ${nodeVersion}`),
    openFilesMax !== undefined && openFilesMax < openFilesLow
      ? warning("limits.files", `a process may open ${openFilesMax} files: each client takes one (raise ulimit -n)`)
      : ok("limits.files", `a process may open ${openFilesMax ?? "any number of"} files`),
    memoryAvailableBytes < memoryLow ? warning("limits.memory", memory) : ok("limits.memory", memory)
  ]
}

interface Report {
  readonly userLimits?: { readonly open_files?: { readonly soft: number | string } }
}

/** `unlimited` is a text. */
const openFiles = (): number | undefined => {
  const report = process.report.getReport() as Report
  const soft = report.userLimits?.open_files?.soft
  return typeof soft === "number" ? soft : undefined
}

export const lookAtMachine = (): Machine => {
  const limit = process.constrainedMemory()
  const total = totalmem()
  return {
    nodeVersion: process.versions.node,
    openFilesMax: openFiles(),
    memoryBytes: limit > 0 && limit < total ? limit : total,
    memoryAvailableBytes: process.availableMemory()
  }
}
