/** Of this package; a test holds it equal to `package.json`. */
export const version = "0.1.0"

/** Of the protocol (http.md 3.1). */
export const protocolVersion = "0.1"
