/** `T`, where an optional member may also be written down as undefined. */
export type Loose<T> = { readonly [K in keyof T]: Record<never, never> extends Pick<T, K> ? T[K] | undefined : T[K] }

/** The members that have a value, in their order: an absent fact is an absent member, never undefined or null. */
export function present<T extends object>(members: Loose<T>): T {
  const result: Partial<Record<keyof T, unknown>> = {}
  for (const name in members) {
    const value = members[name]
    if (value !== undefined && value !== null) result[name] = value
  }
  return result as T
}
