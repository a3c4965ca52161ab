const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** One or more numbers with a unit, as in `30s`, `1.5h`, `1h30m`. */
export const durationPattern = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/

/** The milliseconds of a text such as `30s`, `72h`, `1h30m`; undefined when it is none, or not whole milliseconds. */
export function parseDuration(text: string): number | undefined {
  if (!durationPattern.test(text)) return undefined
  let ms = 0
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
    ms += Number(count) * unitsMs[unit as keyof typeof unitsMs]
  // 1.1 s is 1100.0000000000002 ms in binary: that much is forgiven, half a millisecond is not.
  const whole = Math.round(ms)
  return Number.isSafeInteger(whole) && Math.abs(ms - whole) < 1e-3 ? whole : undefined
}

/** The shortest text that `parseDuration` reads back: 90000 -> `90s`, 7200000 -> `2h`. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    if (ms >= unitsMs[unit] && ms % unitsMs[unit] === 0) return `${ms / unitsMs[unit]}${unit}`
  }
  return `${ms}ms`
}
