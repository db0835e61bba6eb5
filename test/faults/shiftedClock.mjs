// Loaded before a server (`--import`): its clock is the machine's, shifted by the milliseconds in the file that
// CLOCK_SHIFT names. SIGUSR2 reads it again and writes that it did.
import { readFileSync, writeFileSync } from "node:fs"

const file = process.env.CLOCK_SHIFT
const machineNow = Date.now
let shift = Number(readFileSync(file, "utf8"))

process.on("SIGUSR2", () => {
  shift = Number(readFileSync(file, "utf8"))
  writeFileSync(`${file}.read`, String(shift))
})

globalThis.Date = class extends Date {
  static now() {
    return machineNow() + shift
  }
  constructor(...args) {
    if (args.length === 0) super(machineNow() + shift)
    else super(...args)
  }
}
