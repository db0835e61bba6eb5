/** Keeping what is remembered within its limit. */

interface Kept<K> {
  readonly keys: () => Iterator<K, undefined>
  readonly delete: (key: K) => boolean
}

/**
 * Takes out of a Map or Set what came first, each time it is called. By one iterator: a new one would have to pass all
 * that was taken out before, which costs microseconds where thousands are kept.
 */
export const makeForgetting = <K>(kept: Kept<K>): (() => void) => {
  let oldest: Iterator<K, undefined> | undefined // Not before it is needed: it would keep alive what the Map outgrows.
  return () => {
    oldest ??= kept.keys()
    const { done, value } = oldest.next()
    if (done === true) oldest = undefined
    else kept.delete(value)
  }
}
