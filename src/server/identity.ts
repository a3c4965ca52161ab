import type { Refusal } from '../gateway/refusals.ts'
import type { OcppVersion } from '../protocol/version.ts'

/** OCPP 1.6 sets no limit; ours keeps ids usable as keys everywhere. */
export const chargePointIdCharactersMax = 255
/** [Part 4 2.0.1 3.1.1] */
export const chargePointId2xCharactersMax = 48

export type ParsedIdentity =
  | { readonly ok: true; readonly chargePointId: string }
  | { readonly ok: false; readonly refusal: Refusal }

// Control, format and line separators: they make two ids look alike in a log, or break its lines.
const unusableCharacter = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
const absoluteForm = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i

function badIdentity(detail: string): ParsedIdentity {
  return { ok: false, refusal: { code: 'bad_identity', detail } }
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '')
}

function startsWith(segments: readonly string[], prefix: readonly string[]): boolean {
  return prefix.every((segment, index) => segments[index] === segment)
}

/**
 * The charge point id in a request target: `{path}/{id}`, percent-encoded. [OCPP-J 1.6 3.1.1, Part 4 3.1.1]
 * Tolerated (quirks 4 and 5): absolute-form, doubled and trailing slashes, a query, the path or the id given twice.
 * A slash inside an id has to come as `%2F`: a bare one is somebody's wrong URL far more often.
 */
export function parseIdentity(url: string, path: string): ParsedIdentity {
  const prefix = segmentsOf(path)
  const target = url.replace(absoluteForm, '').replace(/[?#].*$/s, '')
  const segments = segmentsOf(target)
  if (!startsWith(segments, prefix)) return { ok: false, refusal: { code: 'no_such_path' } }
  const rest = withoutRepeats(segments.slice(prefix.length), prefix)
  const [encoded] = rest
  if (encoded === undefined) return { ok: false, refusal: { code: 'no_identity' } }
  if (rest.length > 1)
    return badIdentity('the path goes on after the id; a slash inside an id has to be written as %2F')
  return decodeIdentity(encoded)
}

/** `/ocpp/ocpp/ID`, `/ocpp/ID/ID` and `/ocpp/ID/ocpp/ID` come from stations that add what was already typed in. */
function withoutRepeats(segments: readonly string[], prefix: readonly string[]): readonly string[] {
  let rest = segments
  while (prefix.length > 0 && rest.length > prefix.length && startsWith(rest, prefix)) rest = rest.slice(prefix.length)
  const [first, ...others] = rest
  const again = startsWith(others, prefix) ? others.slice(prefix.length) : others
  const repeated = (tail: readonly string[]) => tail.length === 1 && tail[0] === first
  return first !== undefined && (repeated(others) || repeated(again)) ? [first] : rest
}

function decodeIdentity(encoded: string): ParsedIdentity {
  // Node hands the bytes of the request target over as Latin-1, so anything above ASCII here was not encoded.
  if (/[^\x20-\x7e]/.test(encoded)) return badIdentity('characters beyond ASCII have to be percent-encoded')
  let chargePointId: string
  try {
    chargePointId = decodeURIComponent(encoded)
  } catch {
    return badIdentity('its percent-encoding is broken or is not UTF-8')
  }
  if (unusableCharacter.test(chargePointId)) return badIdentity('it contains a control character')
  if (chargePointId.trim() === '') return badIdentity('it is blank')
  if (chargePointId === '.' || chargePointId === '..') return badIdentity('a dot alone is no id')
  if (chargePointId.length > chargePointIdCharactersMax)
    return badIdentity(`it is longer than ${chargePointIdCharactersMax} characters`)
  return { ok: true, chargePointId }
}

/** What OCPP 2.x forbids in an id and 1.6 allows. [Part 4 3.1.1] */
export function checkIdentity(chargePointId: string, version: OcppVersion): Refusal | undefined {
  if (version === '1.6') return undefined
  if (chargePointId.length > chargePointId2xCharactersMax)
    return {
      code: 'bad_identity',
      detail: `OCPP ${version} allows ${chargePointId2xCharactersMax} characters, it has ${chargePointId.length}`
    }
  if (chargePointId.includes(':')) return { code: 'bad_identity', detail: `OCPP ${version} allows no ":" in it` }
  return undefined
}
