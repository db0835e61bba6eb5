/** What a doctor finds. */

export const levels = ["ok", "warning", "problem"] as const
/** `problem`: work is lost, refused or in danger. `warning`: it soon may be, or somebody should know. */
export type Level = (typeof levels)[number]

export interface Finding {
  /** Stable: more may come, none is renamed. */
  readonly id: string
  readonly level: Level
  readonly message: string
}

export const ok = (id: string, message: string): Finding => ({ id, level: "ok", message })
export const warning = (id: string, message: string): Finding => ({ id, level: "warning", message })
export const problem = (id: string, message: string): Finding => ({ id, level: "problem", message })
