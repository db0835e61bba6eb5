/** What the keys look like that are kept in the storage, so that one in the wrong place is known for what it is. */

/** Of every key; what follows are an id, and a secret with its checksum. */
export const keyPrefix = "oi_"

const form = /oi_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}/
const every = new RegExp(form, "g")
const only = new RegExp(`^${form.source}$`)

/** Whether this is a key, as far as that is to be seen. */
export const isKey = (text: string): boolean => only.test(text)

/** Whether something in the text has the form of a key, known or not. */
export const holdsKey = (text: string): boolean => text.includes(keyPrefix) && form.test(text)

/** The text, without what has the form of a key. */
export const withoutKeys = (text: string): string =>
  text.includes(keyPrefix) ? text.replaceAll(every, `${keyPrefix}***`) : text
