/** How a subject says, once, what is stored of it. Each storage derives its schema, statements and pages from this. */

export type ColumnValue = string | number | null
export type ColumnType = "text" | "integer"

/** A column that is looked up or ordered by. Whatever else a record holds is in its body. */
export interface Column<In> {
  readonly type: ColumnType
  readonly of: (record: In) => ColumnValue
}

export interface Index {
  /** Columns that a range fixes. */
  readonly columns: ReadonlyArray<string>
  /** Numeric column that orders the rows of a range; `position` (order of insertion) unless said. */
  readonly order?: string
  /** Text column whose values can be tallied over a range. */
  readonly tally?: string
  /** Holds only rows where this column has this value, or any but null. */
  readonly where?:
    | { readonly column: string; readonly equals: string }
    | { readonly column: string; readonly notNull: true }
  /** At most one row for each combination of the columns. */
  readonly unique?: true
}

/** A declared table of records. `In` is what is written, `Out` what is read (they differ for the log only). */
export interface Table<In, Out extends In> {
  readonly name: string
  /** Unique over the table. Keys that grow keep its index cheap. */
  readonly key: (record: In) => string
  readonly columnNames: ReadonlyArray<string>
  readonly columnTypes: ReadonlyArray<ColumnType>
  /** The columns of a record, in the order of their names. */
  readonly values: (record: In) => ReadonlyArray<ColumnValue>
  /** The rest of a record, as JSON text. */
  readonly body: (record: In) => string
  readonly fromRow: (key: string, values: ReadonlyArray<ColumnValue>, body: string, position: number) => Out
  readonly indexes: { readonly [name: string]: Index }
  /** A record carries a revision that commits can guard. */
  readonly guarded: boolean
  /** Rows are never looked up by key, so no index of keys is kept. */
  readonly appendOnly: boolean
  /** Rows may be taken away; the position of one that was is not given again. */
  readonly removable: boolean
}

interface Declaration<In, Out, Columns, Body, Indexes> {
  readonly key: (record: In) => string
  readonly columns: Columns
  readonly body: (record: In) => Body
  /** The record from its parts: `body` is what the function above gave, after JSON. */
  readonly make: (
    parts: { readonly key: string; readonly position: number; readonly body: Body } & {
      readonly columns: ValuesOf<Columns>
    }
  ) => Out
  readonly indexes: Indexes
  readonly guarded?: true
  readonly appendOnly?: true
  readonly removable?: true
}

type ValuesOf<Columns> = {
  readonly [K in keyof Columns]: Columns[K] extends { readonly of: (record: never) => infer V } ? V : never
}

export interface TypedColumn<In, V extends ColumnValue> extends Column<In> {
  readonly of: (record: In) => V
}

export const text = <In, V extends string | null>(of: (record: In) => V): TypedColumn<In, V> => ({ type: "text", of })
export const integer = <In, V extends number | null>(of: (record: In) => V): TypedColumn<In, V> => ({
  type: "integer",
  of
})

/** Declares a table; the types of its columns and body stay inside, so that storages need not know them. */
export const table =
  <In, Out extends In = In>() =>
  <
    const Columns extends { readonly [name: string]: Column<In> },
    Body,
    const Indexes extends { readonly [name: string]: Index }
  >(
    name: string,
    declaration: Declaration<In, Out, Columns, Body, Indexes>
  ): Table<In, Out> & { readonly indexes: Indexes } => {
    const columnNames = Object.keys(declaration.columns)
    const columns = Object.values<Column<In>>(declaration.columns)
    return {
      name,
      key: declaration.key,
      columnNames,
      columnTypes: columns.map((column) => column.type),
      values: (record) => columns.map((column) => column.of(record)),
      body: (record) => JSON.stringify(declaration.body(record)),
      fromRow: (key, values, body, position) => {
        const named: { [name: string]: ColumnValue | undefined } = {}
        for (let i = 0; i < columnNames.length; i++) named[columnNames[i]!] = values[i]
        // Rows are the engine's own, written by `values` and `body` above, so they have the types that those gave.
        return declaration.make({ key, position, columns: named as ValuesOf<Columns>, body: JSON.parse(body) as Body })
      },
      indexes: declaration.indexes,
      guarded: declaration.guarded ?? false,
      appendOnly: declaration.appendOnly ?? false,
      removable: declaration.removable ?? false
    }
  }
