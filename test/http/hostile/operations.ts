/** The operations of the contract as its OpenAPI document tells them, so that no route can be forgotten. */
export type JsonType = "string" | "number" | "integer" | "boolean" | "array" | "object" | "null"

export interface Field {
  readonly name: string
  /** Of the document: the first name that the server looks for. */
  readonly canonical: string
  readonly types: ReadonlySet<JsonType>
  /** Of the items, where the field is an array of one type. */
  readonly items: ReadonlySet<JsonType>
  readonly values: ReadonlyArray<unknown> | undefined
  readonly isRequired: boolean
}

export interface Operation {
  /** As in `intents.get`. */
  readonly name: string
  readonly method: string
  /** With names in braces. */
  readonly path: string
  readonly params: ReadonlyArray<string>
  readonly query: ReadonlyArray<Field & { readonly isNumber: boolean }>
  /** Undefined: it takes no body. */
  readonly fields: ReadonlyArray<Field> | undefined
  readonly needsVersion: boolean
  readonly isStream: boolean
}

/** Every type, by a value that has it and no other. */
const everyType: ReadonlyArray<JsonType> = ["string", "number", "boolean", "array", "object", "null"]

const typesOf = (document: any, schema: any): ReadonlySet<JsonType> => {
  const found = resolve(document, schema)
  if (found?.anyOf !== undefined)
    return new Set(found.anyOf.flatMap((one: unknown) => [...typesOf(document, one)] as Array<JsonType>))
  return new Set(found?.type === undefined ? everyType : [found.type])
}

const resolve = (document: any, schema: any): any =>
  schema?.$ref === undefined ? schema : document.components.schemas[schema.$ref.split("/").at(-1)]

const fieldOf = (document: any, name: string, schema: any, isRequired: boolean): Field => {
  const found = resolve(document, schema)
  const options = [found, ...(found?.anyOf ?? [])].map((one) => resolve(document, one))
  const array = options.find((one) => one?.type === "array")
  return {
    name,
    canonical: name,
    types: typesOf(document, schema),
    items: array?.items === undefined ? new Set(everyType) : typesOf(document, array.items),
    values: options.find((one) => one?.enum !== undefined)?.enum,
    isRequired
  }
}

/** The field, and one for each of its aliases. */
const withAliases = (field: Field, schema: any): ReadonlyArray<Field> => {
  const description: string = schema.description ?? ""
  const [, names = ""] = /Also read: ([\w, ]+)/.exec(description) ?? []
  const aliases = names.split(",").flatMap((name) => /^ ?(\w+)$/.exec(name)?.[1] ?? [])
  return [field, ...aliases.map((name) => ({ ...field, name, isRequired: false }))]
}

const bodyOf = (document: any, operation: any): Operation["fields"] => {
  const schema = resolve(document, operation.requestBody?.content["application/json"]?.schema)
  if (schema === undefined) return undefined
  return Object.entries<any>(schema.properties ?? {}).flatMap(([name, property]) =>
    withAliases(fieldOf(document, name, property, schema.required?.includes(name) ?? false), property)
  )
}

export const operationsOf = (document: any): ReadonlyArray<Operation> =>
  Object.entries<any>(document.paths).flatMap(([path, methods]) =>
    Object.entries<any>(methods).map(([method, operation]) => {
      const parameters: ReadonlyArray<any> = operation.parameters ?? []
      return {
        name: operation.operationId,
        method: method.toUpperCase(),
        path,
        params: [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name),
        query: parameters
          .filter((parameter) => parameter.in === "query")
          .map(({ name, schema }) => ({
            ...fieldOf(document, name, schema.items ?? schema, false),
            isNumber: schema.type === "integer"
          })),
        fields: bodyOf(document, operation),
        needsVersion: parameters.some(({ name }) => name === "if-match"),
        isStream: operation.tags.includes("streams")
      }
    })
  )
