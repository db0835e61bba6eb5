/** The queue of writes: what one turn of the event loop asks for goes into one transaction (design.md 4). */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { MeasureTransaction } from "../../core/metrics.ts"
import { type Commit, StaleRevision, type StorageError } from "../../core/Storage.ts"
import { writeCommit } from "./commits.ts"
import type { Connection } from "./Connection.ts"
import type { Counters } from "./Counters.ts"
import { closed, failure, isBusy, isCorrupt } from "./faults.ts"
import type { SqliteTables } from "./SqliteTables.ts"

type Answer = Exit.Exit<ReadonlyArray<number>, StaleRevision | StorageError>

interface WaitingCommit {
  readonly _tag: "Commit"
  readonly commit: Commit
  readonly resume: (answer: Answer) => void
}

/** Something that wants a transaction of its own. */
interface WaitingWork {
  readonly _tag: "Work"
  readonly operation: string
  /** Runs in the open transaction. `keep` says whether it is committed; `answer` is given after that. */
  readonly run: () => { readonly keep: boolean; readonly answer: () => void }
  readonly refuse: (answer: Exit.Exit<never, StorageError>) => void
  isGivenUp: boolean
}

type Waiting = WaitingCommit | WaitingWork

/** Commits in one transaction: bounds how long the event loop stands still and the write lock is held. */
const batchMax = 256

/** Pauses between tries on a busy file: doubled from the first up to the second, so that neither of two starves long. */
const pauseMinMs = 1
const pauseMaxMs = 4

/** An answer like every other, so that a lost race does not cost a stack. */
const stale: Answer = Exit.fail(new StaleRevision())

export class GroupCommit {
  readonly #connection: Connection
  readonly #tables: SqliteTables
  readonly #counters: Counters
  readonly #busyMaxMs: number
  readonly #measure: MeasureTransaction
  readonly #keepTime: () => void
  #queue: Array<Waiting> = []
  #isScheduled = false
  #busySince: number | undefined
  #pauseMs = pauseMinMs
  #isClosed = false
  #drained: (() => void) | undefined

  /** `keepTime` is called within every transaction that is written. */
  constructor(
    connection: Connection,
    tables: SqliteTables,
    counters: Counters,
    busyMaxMs: number,
    keepTime: () => void,
    measure: MeasureTransaction
  ) {
    this.#connection = connection
    this.#tables = tables
    this.#counters = counters
    this.#busyMaxMs = busyMaxMs
    this.#measure = measure
    this.#keepTime = keepTime
  }

  /** Cannot be taken back: a caller that is interrupted does not hear of the answer, no more. */
  readonly commit = (commit: Commit): Effect.Effect<ReadonlyArray<number>, StaleRevision | StorageError> =>
    Effect.callback((resume) => {
      if (this.#isClosed) resume(Exit.fail(closed("commit")))
      else this.#push({ _tag: "Commit", commit, resume })
    })

  /** Runs `body` in a transaction of its own, after the commits before it. It is kept if the exit is a success. */
  transaction<A, E>(operation: string, body: () => Exit.Exit<A, E>): Effect.Effect<A, E | StorageError> {
    return Effect.callback<A, E | StorageError>((resume) => {
      if (this.#isClosed) return resume(Exit.fail(closed(operation)))
      const waiting: WaitingWork = {
        _tag: "Work",
        operation,
        run: () => {
          const exit = body()
          return { keep: Exit.isSuccess(exit), answer: () => resume(exit) }
        },
        refuse: resume,
        isGivenUp: false
      }
      this.#push(waiting)
      return Effect.sync(() => {
        waiting.isGivenUp = true
      })
    })
  }

  /** Takes no more, and completes when all that was taken is answered. */
  readonly close: Effect.Effect<void> = Effect.callback((resume) => {
    this.#isClosed = true
    if (this.#queue.length === 0) return resume(Effect.void)
    this.#drained = () => resume(Effect.void)
  })

  #push(waiting: Waiting): void {
    this.#queue.push(waiting)
    if (!this.#isScheduled) this.#schedule()
  }

  #schedule(): void {
    this.#isScheduled = true
    setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    const batch = this.#take()
    const since = performance.now()
    let answer: () => void
    try {
      answer = this.#write(batch)
      this.#measure(batch.length, (performance.now() - since) / 1000)
      this.#busySince = undefined
      this.#pauseMs = pauseMinMs
    } catch (cause) {
      if (isBusy(cause) && this.#waits()) {
        this.#queue = [...batch, ...this.#queue]
        return
      }
      answer = this.#refusal(batch, cause)
    }
    this.#isScheduled = false
    if (this.#queue.length > 0) this.#schedule()
    answer()
    if (this.#queue.length === 0) this.#drained?.()
  }

  /** The commits at the head of the queue, or the one work there. */
  #take(): Array<Waiting> {
    const queue = this.#queue
    let end = 0
    while (end < queue.length && end < batchMax && queue[end]!._tag === "Commit") end++
    if (end === queue.length) {
      this.#queue = []
      return queue
    }
    return queue.splice(0, Math.max(end, 1))
  }

  /** Sets the timer for the next try on a busy file. False: it was busy for too long. */
  #waits(): boolean {
    const now = performance.now()
    this.#busySince ??= now
    if (now - this.#busySince >= this.#busyMaxMs) return false
    setTimeout(this.#flush, this.#pauseMs)
    this.#pauseMs = Math.min(this.#pauseMs * 2, pauseMaxMs)
    return true
  }

  /** How to tell that it failed. All who wait hear of a file that stays busy: each would only wait as long again. */
  #refusal(batch: ReadonlyArray<Waiting>, cause: unknown): () => void {
    const refused = isBusy(cause) ? [...batch, ...this.#queue.splice(0)] : batch
    this.#busySince = undefined
    this.#pauseMs = pauseMinMs
    if (isCorrupt(cause)) this.#connection.forget()
    const answer = failure("commit", cause)
    return () => {
      for (const waiting of refused) {
        if (waiting._tag === "Commit") waiting.resume(answer)
        else waiting.refuse(failure(waiting.operation, cause))
      }
    }
  }

  /** Writes the batch and answers how to tell it. Throws if nothing of it was written. */
  #write(batch: ReadonlyArray<Waiting>): () => void {
    const [first] = batch
    if (first === undefined) return () => {}
    if (first._tag === "Work") return this.#writeWork(first)
    const commits = batch.filter((waiting) => waiting._tag === "Commit")
    const answers = this.#writeCommits(commits)
    return () => {
      for (let i = 0; i < commits.length; i++) commits[i]!.resume(answers[i]!)
    }
  }

  #writeWork(work: WaitingWork): () => void {
    if (work.isGivenUp) return () => {}
    this.#connection.begin()
    try {
      const { answer, keep } = work.run()
      if (keep) {
        this.#keepTime()
        this.#connection.commit()
      }
      return answer
    } finally {
      this.#connection.rollback() // Nothing is open any more after a commit that went well.
    }
  }

  #writeCommits(batch: ReadonlyArray<WaitingCommit>): ReadonlyArray<Answer> {
    let isWritten = false
    try {
      return this.#connection.write(() => {
        const deltas = new Map<string, number>()
        const answers = batch.map(({ commit }) => this.#writeOne(commit, deltas))
        this.#counters.add(deltas)
        this.#keepTime()
        isWritten = true
        return answers
      })
    } catch (cause) {
      if (isBusy(cause) || isWritten || batch.length === 1) throw cause
      return this.#connection.write(() => batch.map(({ commit }) => this.#writeApart(commit)))
    }
  }

  #writeOne(commit: Commit, deltas: Map<string, number>): Answer {
    const positions = writeCommit(this.#tables, commit)
    if (positions === undefined) return stale
    for (const [key, delta] of commit.counters) deltas.set(key, (deltas.get(key) ?? 0) + delta)
    return Exit.succeed(positions)
  }

  /**
   * Writes a commit within the open transaction so that only it fails, if it does. Throws if the fault has ended the
   * transaction (a full disk may).
   */
  readonly #writeApart = (commit: Commit): Answer => this.apart("commit", () => this.writeNow(commit))

  /** Writes a commit within the open transaction. What it throws leaves a part of it behind. */
  writeNow(commit: Commit): Answer {
    const positions = writeCommit(this.#tables, commit)
    if (positions === undefined) return stale
    this.#counters.add(commit.counters)
    return Exit.succeed(positions)
  }

  /** Runs `body` as a part of the open transaction that is taken back by itself if it fails. */
  apart<A, E>(operation: string, body: () => Exit.Exit<A, E>): Exit.Exit<A, E | StorageError> {
    this.#connection.savepoint()
    let exit: Exit.Exit<A, E | StorageError>
    try {
      exit = body()
    } catch (cause) {
      this.#connection.rollbackToSavepoint()
      if (!this.#connection.isInTransaction) throw cause
      if (isCorrupt(cause)) this.#connection.forget()
      return failure(operation, cause)
    }
    if (Exit.isSuccess(exit)) this.#connection.release()
    else this.#connection.rollbackToSavepoint()
    return exit
  }
}
