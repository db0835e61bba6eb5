import { table } from "./Table.ts"

/** A figure over rows that are only ever added, up to a position: what comes after it is added when asked. */
export interface StoredFigure<F> {
  readonly key: string
  /** Position of the last row that is in the figure. */
  readonly through: number
  /** Plain JSON. */
  readonly figure: F
}

/** Declares the table of one kind of figure. */
export const figureTable = <F>(name: string) =>
  table<StoredFigure<F>>()(name, {
    key: (stored) => stored.key,
    columns: {},
    body: ({ figure, through }) => ({ through, figure }),
    make: ({ body, key }) => ({ key, through: body.through, figure: body.figure }),
    indexes: {}
  })
