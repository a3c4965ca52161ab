let second = Number.NaN
let textOfSecond = ''

/**
 * Milliseconds since 1970 as `YYYY-MM-DDTHH:mm:ss.sssZ`, the same as `toISOString`. A gateway asks for the time of now
 * all the time, so the text of the last second is kept: a tenth of the work.
 */
export function utcText(ms: number): string {
  const whole = Math.floor(ms)
  const asked = Math.floor(whole / 1000)
  if (asked !== second) {
    textOfSecond = new Date(asked * 1000).toISOString().slice(0, -4)
    second = asked
  }
  return `${textOfSecond}${String(whole - asked * 1000).padStart(3, '0')}Z`
}

/** The first and the last moment that RFC 3339 has a text for: years have four digits. */
const textMinMs = -62_167_219_200_000
const textMaxMs = 253_402_300_799_999

/** As `utcText`, for what others have written: beyond what RFC 3339 can say it is the nearest that it can. Never throws. */
export function nearestUtcText(ms: number): string {
  return utcText(ms > textMinMs ? Math.min(ms, textMaxMs) : textMinMs)
}
