import type { OcppVersion } from './version.ts'

interface Spellings {
  readonly '1.6': string
  readonly '2.0.1': string
  readonly '2.1': string
}

function everywhere(code: string): Spellings {
  return { '1.6': code, '2.0.1': code, '2.1': code }
}

function since2(code: string, in16: string): Spellings {
  return { '1.6': in16, '2.0.1': code, '2.1': code }
}

/**
 * CALLERROR codes by canonical name (that of 2.x) and how each version spells them.
 * 1.6 keeps its misspellings on purpose [OCPP-J 1.6 errata 5.1, 5.2] and has ten codes: what it lacks becomes the
 * nearest that it has. [OCPP-J 1.6 table 7, Part 4 2.0.1 table 8, Part 4 2.1 table 9]
 */
const spellings = {
  NotImplemented: everywhere('NotImplemented'),
  NotSupported: everywhere('NotSupported'),
  InternalError: everywhere('InternalError'),
  ProtocolError: everywhere('ProtocolError'),
  SecurityError: everywhere('SecurityError'),
  FormatViolation: since2('FormatViolation', 'FormationViolation'),
  PropertyConstraintViolation: everywhere('PropertyConstraintViolation'),
  OccurrenceConstraintViolation: since2('OccurrenceConstraintViolation', 'OccurenceConstraintViolation'),
  TypeConstraintViolation: everywhere('TypeConstraintViolation'),
  GenericError: everywhere('GenericError'),
  RpcFrameworkError: since2('RpcFrameworkError', 'FormationViolation'),
  MessageTypeNotSupported: since2('MessageTypeNotSupported', 'NotSupported')
} as const satisfies Readonly<Record<string, Spellings>>

/** The canonical name of a CALLERROR code. `spell` gives the text for the wire. */
export type ErrorCode = keyof typeof spellings
export const errorCodes = Object.keys(spellings) as readonly ErrorCode[]

/** The code as this version writes it. */
export function spell(code: ErrorCode, version: OcppVersion): string {
  return spellings[code][version]
}

// Reversed, so that of two codes with one spelling in 1.6 the earlier row, which really means it, wins.
const canonical: ReadonlyMap<string, ErrorCode> = new Map(
  errorCodes
    .toReversed()
    .flatMap((code) => Object.values(spellings[code]).map((spelling) => [spelling.toLowerCase(), code] as const))
)

/** The canonical name of a received code in any version's spelling and letter case; undefined for any other text. */
export function canonicalCode(spelling: string): ErrorCode | undefined {
  return canonical.get(spelling.toLowerCase())
}
