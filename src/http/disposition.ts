/** `Content-Disposition` of a download (RFC 6266) and the way back. */

/** Beyond ASCII, or read in two ways inside quotes: quote, backslash, and the percent sign, which some decode. */
const notPlain = /[^ !#$&'()*+,\-.0-9:;<=>?@A-Z[\]^_`a-z{|}~]/g

/** RFC 5987: these are no characters of a value, though `encodeURIComponent` leaves them. */
const encoded = (filename: string): string =>
  encodeURIComponent(filename).replace(/['()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

/** To be saved, not shown, under this name: in full for those who read RFC 5987, else in ASCII. */
export const attachmentDisposition = (filename: string): string =>
  `attachment; filename="${filename.replace(notPlain, "_")}"; filename*=UTF-8''${encoded(filename)}`

/** The name in full; undefined if there is none that can be read. */
export const dispositionFilename = (disposition: string | undefined): string | undefined => {
  const name = /filename\*=UTF-8''([^;\s]+)/i.exec(disposition ?? "")?.[1]
  try {
    return name === undefined ? undefined : decodeURIComponent(name)
  } catch {
    return undefined
  }
}
