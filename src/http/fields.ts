/** Reads the fields of a body one by one and remembers what is wrong with them. */
import * as Predicate from "effect/Predicate"
import type { Issue } from "../core/Errors.ts"
import type { RawBody } from "./requestBody.ts"

/** `null` counts as absent, as it does in the reference's clients. Of several names the first that is given counts. */
export class Fields {
  readonly issues: Array<Issue> = []
  private readonly body: RawBody

  constructor(body: RawBody) {
    this.body = body
  }

  private value(names: ReadonlyArray<string>): unknown {
    for (const name of names) if (Object.hasOwn(this.body, name) && this.body[name] !== null) return this.body[name]
    return undefined
  }

  private read<A>(names: ReadonlyArray<string>, is: (value: unknown) => value is A, message: string): A | undefined {
    const value = this.value(names)
    if (value === undefined || is(value)) return value
    this.issues.push({ field: names[0] ?? "", message })
    return undefined
  }

  string(...names: ReadonlyArray<string>): string | undefined {
    return this.read(names, Predicate.isString, "must be a string")
  }

  requiredString(...names: ReadonlyArray<string>): string {
    if (this.value(names) === undefined) this.issues.push({ field: names[0] ?? "", message: "is required" })
    return this.string(...names) ?? ""
  }

  number(...names: ReadonlyArray<string>): number | undefined {
    return this.read(names, Predicate.isNumber, "must be a number")
  }

  integer(...names: ReadonlyArray<string>): number | undefined {
    return this.read(names, (value): value is number => Number.isSafeInteger(value), "must be an integer")
  }

  boolean(...names: ReadonlyArray<string>): boolean | undefined {
    return this.read(names, Predicate.isBoolean, "must be a boolean")
  }

  /** Objects and, where the contract takes them, arrays. */
  object(...names: ReadonlyArray<string>): object | undefined {
    return this.read(names, Predicate.isObject, "must be an object")
  }

  stringOrObject(...names: ReadonlyArray<string>): string | object | undefined {
    return this.read(names, isStringOrObject, "must be a string or an object")
  }

  objectOrArray(...names: ReadonlyArray<string>): object | undefined {
    return this.read(names, Predicate.isObjectKeyword, "must be an object or an array")
  }

  array(...names: ReadonlyArray<string>): ReadonlyArray<unknown> | undefined {
    return this.read(names, isArray, "must be an array")
  }

  strings(...names: ReadonlyArray<string>): ReadonlyArray<string> | undefined {
    return this.read(names, isStrings, "must be an array of strings")
  }

  oneOf<A extends string>(values: ReadonlyArray<A>, ...names: ReadonlyArray<string>): A | undefined {
    const isOne = (value: unknown): value is A => values.some((known) => known === value)
    return this.read(names, isOne, `must be one of ${values.join(", ")}`)
  }
}

const isStringOrObject = (value: unknown): value is string | object =>
  Predicate.isString(value) || Predicate.isObject(value)
const isArray = (value: unknown): value is ReadonlyArray<unknown> => Array.isArray(value)
const isStrings = (value: unknown): value is ReadonlyArray<string> => isArray(value) && value.every(Predicate.isString)
