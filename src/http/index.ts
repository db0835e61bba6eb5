/**
 * `openintent/http`: the contract, the server that serves it on any `HttpServer`, and the remote client over any
 * `HttpClient`. `openintent/server` and `openintent/remote` have both ready for Node.
 */
export { Api } from "./Api.ts"
export { defaultHttpOptions, HttpOptions } from "./HttpOptions.ts"
export type { ApiKey } from "./keys.ts"
export { type CreatedKey, createKey } from "./createKey.ts"
export { ApiKeys } from "../core/apiKey/ApiKeys.ts"
export type { CreateApiKey, Role, StoredKey } from "../core/apiKey/ApiKey.ts"
export * as Remote from "./remote.ts"
export * as Server from "./server.ts"
