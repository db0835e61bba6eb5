import type { InterleaveOptions } from "./interleave.ts"

/** How much is measured. */
export interface Options {
  /** Fewer and shorter slices: whether it runs, and roughly what comes out. */
  readonly quick: boolean
  /** The command line of another checkout (`…/src/layers/bin/openintent.ts`), which `trust` is measured against. */
  readonly against?: string | undefined
}

/** Slices for so many callers. */
export const slices = ({ quick }: Options, callers: number): InterleaveOptions => ({
  rounds: quick ? 5 : 15,
  sliceSeconds: quick ? 0.15 : 0.4,
  warmUpSeconds: quick ? 0.5 : 1.5,
  step: callers
})
