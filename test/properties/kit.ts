/** What the runs of the kit over several engines share. */
import * as Effect from "effect/Effect"
import { checkAll, type CheckOptions } from "../../src/testing/index.ts"

/** `RUNS=3000` runs more, `REPLAY=token` one; `SHOW_FOUND=1` prints what was tried. */
export const holdAll = ({ runs = 100, ...options }: CheckOptions) =>
  Effect.gen(function* () {
    const given = Number(process.env["RUNS"] ?? runs)
    const report = yield* checkAll({ ...options, runs: given, replay: process.env["REPLAY"] })
    if (process.env["SHOW_FOUND"] !== undefined) {
      const answers = [...report.answers].map(([end, count]) => `${end} ${count}`).toSorted()
      process.stdout.write(`${report.programs} programs, ${report.calls} calls: ${answers.join(", ")}\n`)
    }
  })
