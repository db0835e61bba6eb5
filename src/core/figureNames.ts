/** Names in a figure. Clients may make up as many as they like: those beyond these are added up under one. */
const namesMax = 200

export const otherNames = "other"

/** What is counted under this name, in a figure that has so many already and may know this one. */
export const nameWithin = (name: string, isKnown: boolean, count: number): string =>
  isKnown || count < namesMax ? name : otherNames
