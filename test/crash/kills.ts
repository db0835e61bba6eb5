/** How often the processes are killed, and what the random choices begin with. */
const integer = (name: string, fallback: number): number => {
  const text = process.env[name]
  const value = text === undefined ? fallback : Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${name} must be a whole number, not ${text}`)
  return value
}

/** `OPENINTENT_CRASH_KILLS`: kills of each test. */
export const kills = integer("OPENINTENT_CRASH_KILLS", 20)

/** `OPENINTENT_CRASH_SEED`: repeats the choices of a run; the moments of the machine it cannot repeat. */
export const seed = integer("OPENINTENT_CRASH_SEED", Date.now() % 1_000_000)

/** Kills on one file: what is in it is compared after each. */
const killsPerFile = 10

/** The kills of each file, of which two are worked on at a time: starting a server keeps one processor busy. */
export const shares = (count: number): ReadonlyArray<number> =>
  Array.from({ length: Math.ceil(count / killsPerFile) }, (_, i) => Math.min(killsPerFile, count - i * killsPerFile))

/** Limit of a test, in milliseconds. */
export const timeoutMs = 30_000 + kills * 5000
