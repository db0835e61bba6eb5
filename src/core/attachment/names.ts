/** What callers say of a file, made safe for those who take it at its word: browsers, shells, headers. */

/** `type/subtype` with parameters, as a header may have it (RFC 9110, section 8.3.1). */
const mediaType = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?: *; *[\w!#$&^.+-]+=(?:[\w!#$%&'*+.^`|~-]+|"[ !#-[\]-~]*"))*$/

/** The media type of a content; what is none says nothing about it. */
export const safeMediaType = (mimeType: string): string =>
  mediaType.test(mimeType) ? mimeType : "application/octet-stream"

// oxlint-disable-next-line no-control-regex -- They are what must not be in a name.
const unsafe = /[/\\\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

/** A name to save a file under: no path, no control character, no step upwards. */
export const safeFilename = (filename: string): string => {
  const name = filename.replace(unsafe, "_")
  return /^\.{1,2}$/.test(name) ? "_".repeat(name.length) : name
}
