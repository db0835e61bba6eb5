/** A page of a list, in the order asked for. */
export interface Page<A> {
  readonly items: ReadonlyArray<A>
  /** Rows that match, whatever the page. Exact, or 10,000 with `totalCapped` (decision 11). */
  readonly total: number
  readonly totalCapped: boolean
  readonly limit: number
  readonly offset: number
  /** Cursor for the next page; undefined at the end. */
  readonly next: string | undefined
}
