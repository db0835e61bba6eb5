/** Walks along the edges between intents. */
import type { Edge } from "../../core/Storage.ts"
import type { Connection, Statement } from "./Connection.ts"

type Direction = "up" | "down"

/** For one id: the ids one step further, oldest edge first. */
const steps: { readonly [E in Edge]: { readonly [D in Direction]: string } } = {
  parent: {
    up: `SELECT "parent_id" FROM walk JOIN "intents" ON "intents"."id" = walk.id WHERE "parent_id" IS NOT NULL`,
    down: `SELECT "intents"."id" FROM walk JOIN "intents" INDEXED BY "intents_byParent" ON "parent_id" = walk.id
      WHERE "parent_id" IS NOT NULL`
  },
  dependency: {
    up: `SELECT "dependency_id" FROM walk JOIN "dependencies" INDEXED BY "dependencies_byIntent"
      ON "intent_id" = walk.id`,
    down: `SELECT "intent_id" FROM walk JOIN "dependencies" INDEXED BY "dependencies_byDependency"
      ON "dependency_id" = walk.id`
  }
}

/**
 * SQLite keeps the rows still to be walked from in a queue, first in, first out (`ORDER BY` would need the depth in the
 * row, and a cycle would then never end), and `UNION` lets no id in twice: breadth first, nearest first.
 */
const walk = (step: string) => `WITH RECURSIVE walk(id) AS (SELECT ? UNION ${step} LIMIT ?) SELECT id FROM walk`

export class Graph {
  readonly #walks: { readonly [E in Edge]: { readonly [D in Direction]: Statement } }

  constructor(connection: Connection) {
    const statement = (step: string) => connection.statement(walk(step))
    this.#walks = {
      parent: { up: statement(steps.parent.up), down: statement(steps.parent.down) },
      dependency: { up: statement(steps.dependency.up), down: statement(steps.dependency.down) }
    }
  }

  reachable(edge: Edge, from: string, direction: Direction, limit: number): ReadonlyArray<string> {
    const rows = this.#walks[edge][direction].rows(from, limit + 1)
    return rows.slice(1).map(([id]) => String(id))
  }
}
