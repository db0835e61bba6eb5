/** Walks along the edges between intents. */
import type { Reached, Step } from "../../core/Storage.ts"
import type { Connection, Statement } from "./Connection.ts"

/** For the ids in a table `at`: the neighbours one step further, and where they come from. */
const edges: { readonly [S in Step]: { readonly to: string; readonly join: string } } = {
  parent: {
    to: `"parent_id"`,
    join: `CROSS JOIN "intents" ON "intents"."id" = at.id WHERE "parent_id" IS NOT NULL`
  },
  children: {
    to: `"intents"."id"`,
    join: `CROSS JOIN "intents" INDEXED BY "intents_byParent" ON "parent_id" = at.id WHERE "parent_id" IS NOT NULL`
  },
  dependencies: {
    to: `"dependency_id"`,
    join: `CROSS JOIN "dependencies" INDEXED BY "dependencies_byIntent" ON "intent_id" = at.id`
  },
  dependents: {
    to: `"intent_id"`,
    join: `CROSS JOIN "dependencies" INDEXED BY "dependencies_byDependency" ON "dependency_id" = at.id`
  }
}

/**
 * SQLite keeps the rows still to be walked from in a queue, first in, first out (`ORDER BY` would need the depth in the
 * row, and a cycle would then never end), and `UNION` lets no id in twice: breadth first, nearest first.
 */
const walkSql = (steps: ReadonlyArray<Step>) => {
  const onwards = steps.map((step) => `UNION SELECT ${edges[step].to} FROM walk AS at ${edges[step].join}`).join(" ")
  return `WITH RECURSIVE walk(id) AS (SELECT ? ${onwards} LIMIT ?) SELECT id FROM walk`
}

/** The edges of this kind that begin at given ids, in the order of the ids. */
const edgesSql = (step: Step) =>
  `SELECT at.id, ${edges[step].to} FROM (SELECT value AS id FROM json_each(?)) AS at ${edges[step].join}`

export class Graph {
  readonly #connection: Connection
  readonly #statements = new Map<string, Statement>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  reachable(steps: ReadonlyArray<Step>, from: string, limit: number): ReadonlyArray<Reached> {
    return this.#connection.snapshot(() => {
      const rows = this.#statement(walkSql(steps)).rows(from, Math.min(limit + 1, Number.MAX_SAFE_INTEGER))
      const ids = rows.map(([id]) => String(id))
      return ids.length < 2 ? [] : this.#withOrigins(steps, ids)
    })
  }

  /**
   * Tells from where each id of a walk was reached first, which the walk itself cannot say: the origin in its rows would
   * make one of each edge. That is the origin that was walked from first.
   */
  #withOrigins(steps: ReadonlyArray<Step>, ids: ReadonlyArray<string>): ReadonlyArray<Reached> {
    const places = new Map(ids.map((id, place) => [id, place]))
    const origins = ids.map(() => Number.POSITIVE_INFINITY)
    const given = JSON.stringify(ids)
    for (const step of steps) {
      for (const [from, to] of this.#statement(edgesSql(step)).rows(given)) {
        const [origin, place] = [places.get(String(from)), places.get(String(to))]
        if (origin !== undefined && place !== undefined && origin < origins[place]!) origins[place] = origin
      }
    }
    return ids.slice(1).map((id, i) => ({ id, from: ids[origins[i + 1]!]! }))
  }

  #statement(sql: string): Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#connection.statement(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}
