import type { DeviceTime } from './model.ts'

/** What every station should send; `Date.parse` reads it as it is. [RFC 3339] */
const regular = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/
/** A regular time that is UTC already, of a day that every month has. */
const canonical = /^\d{4}-\d\d-(?:[01]\d|2[0-8])T(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d{3})?Z$/
/** What stations do send: no zone, `+03`, a space for the T, no seconds, one-digit fields, a comma. (quirk 23) */
const lenient =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt ]|, )(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)? ?([Zz]|UTC|[+-]\d{1,2}(?::?\d{2})?)?$/

/** No charge point in use was built before; a clock that says so was never set (1970, 0001). */
const plausibleFromMs = Date.UTC(2010, 0, 1)
/** No zone mistake moves a clock further into the future than this. */
const plausibleAheadMs = 24 * 3_600_000

/**
 * Reads a device's time as well as it can be read; never refuses. Flags: `deviceTime.noZone` (read as UTC),
 * `deviceTime.irregular` (not RFC 3339, but readable), `deviceTime.implausible`, `deviceTime.unparsable`.
 */
export function parseDeviceTime(said: unknown, receivedAtMs: number, flag: (name: string) => void): DeviceTime {
  const raw = typeof said === 'string' ? said : String(said)
  const isRegular = regular.test(raw)
  const ms = isRegular ? Date.parse(raw) : parseLenient(raw.trim(), flag)
  if (Number.isNaN(ms)) {
    flag('deviceTime.unparsable')
    return { raw }
  }
  const skewMs = ms - receivedAtMs
  if (ms < plausibleFromMs || skewMs > plausibleAheadMs) flag('deviceTime.implausible')
  // Formatting costs more than all the rest, and most times need none.
  if (canonical.test(raw)) return { raw, utc: raw.length === 24 ? raw : `${raw.slice(0, 19)}.000Z`, skewMs }
  const utc = new Date(ms).toISOString()
  // 30 February, or 24 o'clock, is read as the day after.
  if (isRegular && raw.endsWith('Z') && !utc.startsWith(raw.slice(0, 10))) flag('deviceTime.irregular')
  return { raw, utc, skewMs }
}

function parseLenient(text: string, flag: (name: string) => void): number {
  const match = lenient.exec(text)
  if (!match) return Number.NaN
  const [, year, month, day, hour, minute, second = '0', fraction = '0', zone] = match
  const digits = (part = '0') => part.padStart(2, '0')
  const canonical = `${year}-${digits(month)}-${digits(day)}T${digits(hour)}:${digits(minute)}:${digits(second)}.${fraction}`
  const ms = Date.parse(canonical + offsetOf(zone))
  if (Number.isNaN(ms)) return ms
  if (zone === undefined) flag('deviceTime.noZone')
  // A regular time that only lacks its zone has one flag, not two.
  if (!regular.test(zone === undefined ? `${text}Z` : text)) flag('deviceTime.irregular')
  return ms
}

/** `+03` and `+0300` as `+03:00`. */
function offsetOf(zone: string | undefined): string {
  if (zone === undefined || !/^[+-]/.test(zone)) return 'Z'
  const digits = zone.slice(1).replace(':', '')
  const whole = digits.length <= 2 ? `${digits.padStart(2, '0')}00` : digits.padStart(4, '0')
  return `${zone[0]}${whole.slice(0, 2)}:${whole.slice(2)}`
}
