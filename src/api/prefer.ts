/**
 * The `wait` of a `Prefer` header in milliseconds, at most `waitMsMax`; 0 when it is absent or unreadable, since a
 * preference that is not understood is ignored. [RFC 7240 2, 4.3]
 */
export function preferredWaitMs(header: string | readonly string[] | undefined, waitMsMax: number): number {
  const preferences = [header ?? []].flat().join(',').split(',')
  for (const preference of preferences) {
    const [, seconds] = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:;.*)?$/i.exec(preference) ?? []
    if (seconds !== undefined) return Math.min(Number(seconds) * 1000, waitMsMax)
  }
  return 0
}
