/** Gives back what reservations hold that are over, within a second and once, whoever else sweeps (decisions 19 and 26). */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { CommandsShape } from "../Commands.ts"
import { systemAgent } from "../CurrentAgent.ts"
import type { EngineOptions } from "../EngineOptions.ts"
import type { EngineError } from "../Errors.ts"
import type { StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { forEachDue, readDue, sweepForever } from "../sweeping.ts"
import type { Reservation } from "./Cost.ts"
import { gatherReservation, readTurn } from "./facts.ts"
import { decideExpire } from "./reservationRules.ts"

/** Those that are stored as held and are over. */
const readOver = (storage: StorageShape) => readDue(storage, { table: "reservations", index: "due", keys: [["held"]] })

const expireOne = (storage: StorageShape, { executeWide }: CommandsShape, { id, intentId }: Reservation) =>
  Effect.flatMap(told(readTurn(storage, intentId)), (turn) =>
    executeWide({
      intentId: turn,
      gather: (on) => gatherReservation(on, { intentId, reservationId: id, actor: systemAgent }),
      decide: (facts, env) => Result.succeed(decideExpire(facts, env))
    })
  )

const expireAll = (
  storage: StorageShape,
  commands: CommandsShape,
  due: ReadonlyArray<Reservation>
): Effect.Effect<unknown, EngineError> => forEachDue(due, (one) => expireOne(storage, commands, one))

/** Ends those that are over now, for one who would be refused because of them. */
export const expireDue = (storage: StorageShape, commands: CommandsShape): Effect.Effect<unknown, EngineError> =>
  Effect.flatMap(readOver(storage), (due) => expireAll(storage, commands, due))

export const expiring = (
  storage: StorageShape,
  commands: CommandsShape,
  owner: string,
  { sweepInterval: interval }: EngineOptions
): Effect.Effect<never> =>
  sweepForever({
    commands,
    owner,
    interval,
    work: "reservations",
    due: readOver(storage),
    handle: (due) => expireAll(storage, commands, due)
  })
