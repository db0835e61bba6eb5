/** Random choices that a seed repeats (mulberry32). */
export interface Random {
  /** An integer from 0 to below `n`. */
  readonly below: (n: number) => number
  readonly oneOf: <A>(values: ReadonlyArray<A>) => A
}

export const randomOf = (seed: number): Random => {
  let state = seed | 0
  const below = (n: number) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * n)
  }
  return { below, oneOf: (values) => values[below(values.length)]! }
}
