/** Rows sorted by (order, position), in blocks, so that neither a long list nor a change in its middle costs much. */

export interface MemoryRow<R> {
  readonly key: string
  /** Order of insertion in the table. */
  readonly position: number
  record: R
  /** Of guarded tables only; 0 otherwise. */
  revision: number
}

/** A block that outgrows this is split, or left full where rows come at the end. */
const blockMax = 512

export class SortedRows<R> {
  readonly #orderOf: (row: MemoryRow<R>) => number
  /** None is empty. */
  readonly #blocks: Array<Array<MemoryRow<R>>> = []
  #size = 0

  constructor(orderOf: (row: MemoryRow<R>) => number) {
    this.#orderOf = orderOf
  }

  get size(): number {
    return this.#size
  }

  insert(row: MemoryRow<R>): void {
    this.#size++
    const order = this.#orderOf(row)
    const last = this.#blocks.at(-1)
    if (last === undefined || this.#compare(last.at(-1)!, order, row.position) < 0) {
      if (last === undefined || last.length >= blockMax) this.#blocks.push([row])
      else last.push(row)
      return
    }
    const [b, i] = this.#find(order, row.position)
    const block = this.#blocks[b]!
    block.splice(i, 0, row)
    if (block.length > blockMax) this.#blocks.splice(b + 1, 0, block.splice(blockMax >> 1))
  }

  /** Takes out a row that is in here, before its order changes. */
  remove(row: MemoryRow<R>): void {
    const [b, i] = this.#find(this.#orderOf(row), row.position)
    const block = this.#blocks[b]!
    block.splice(i, 1)
    this.#size--
    if (block.length === 0) this.#blocks.splice(b, 1)
  }

  /** Rows whose order is greater than `after`, smallest first. */
  *ascending(after = -Infinity, offset = 0): Generator<MemoryRow<R>> {
    let skip = offset
    let [b, i] = this.#find(after, Infinity)
    for (; b < this.#blocks.length; b++, i = 0) {
      const block = this.#blocks[b]!
      if (skip >= block.length - i) {
        skip -= block.length - i
        continue
      }
      i += skip
      skip = 0
      for (; i < block.length; i++) yield block[i]!
    }
  }

  /** Rows whose order is smaller than `before`, greatest first. */
  *descending(before = Infinity, offset = 0): Generator<MemoryRow<R>> {
    let skip = offset
    let [b, i] = this.#find(before, -Infinity)
    for (; b >= 0; b--, i = this.#blocks[b]?.length ?? 0) {
      const block = this.#blocks[b]
      if (block === undefined) continue
      if (skip >= i) {
        skip -= i
        continue
      }
      i -= skip
      skip = 0
      for (let at = i - 1; at >= 0; at--) yield block[at]!
    }
  }

  /** How many rows have an order greater than `after`. */
  countAfter(after: number): number {
    const [b, i] = this.#find(after, Infinity)
    let count = (this.#blocks[b]?.length ?? 0) - (b < this.#blocks.length ? i : 0)
    for (let at = b + 1; at < this.#blocks.length; at++) count += this.#blocks[at]!.length
    return count
  }

  #compare(row: MemoryRow<R>, order: number, position: number): number {
    const own = this.#orderOf(row)
    return own < order ? -1 : own > order ? 1 : row.position - position
  }

  /** Block and place of the first row that is not before (order, position); past the end: a block that is not there. */
  #find(order: number, position: number): [block: number, place: number] {
    let low = 0
    let high = this.#blocks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(this.#blocks[middle]!.at(-1)!, order, position) < 0) low = middle + 1
      else high = middle
    }
    const b = low
    const block = this.#blocks[b]
    if (block === undefined) return [b, 0]
    low = 0
    high = block.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(block[middle]!, order, position) < 0) low = middle + 1
      else high = middle
    }
    return [b, low]
  }
}
