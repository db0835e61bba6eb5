/** A page of a list, in the order asked for. */
export interface Page<A> {
  readonly items: ReadonlyArray<A>
  /** Rows that match, whatever the page. Exact; with `totalCapped` there may be more than that: 10,000 (decision 11), of a walk 100,000. */
  readonly total: number
  readonly totalCapped: boolean
  readonly limit: number
  readonly offset: number
  /** Cursor for the next page; undefined at the end. */
  readonly next: string | undefined
}

/** Which page of a list. */
export interface PageOptions {
  /** 1 to 1000, default 1000 unless the list says otherwise. */
  readonly limit?: number | undefined
  readonly offset?: number | undefined
  /** Opaque: `next` of the page before. Wins over `offset`. */
  readonly after?: string | undefined
}
