import { figureTable } from "../figureTable.ts"
import type { LlmFigure } from "./usage.ts"

/** What the language models did for an intent, up to a position of the log. */
export const llmFigures = figureTable<LlmFigure>("llm_figures")
