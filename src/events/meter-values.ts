import { shiftDecimal } from '../lib/decimal.ts'
import type { MeterSample, MeterValue, SignedReading } from './data-transaction.ts'
import type { Origin } from './table.ts'
import { listOf } from './unify.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A sampled value of any version: 1.6 says `value` as text, `format` and `unit`; 2.x a number, a multiplier and what was signed. */
export interface SaidSample {
  readonly value: string | number
  readonly context?: string
  readonly format?: string
  readonly measurand?: string
  readonly phase?: string
  readonly location?: string
  readonly unit?: string
  readonly unitOfMeasure?: { readonly unit?: string; readonly multiplier?: number }
  readonly signedMeterValue?: {
    readonly signedMeterData: string
    readonly signingMethod?: string
    readonly encodingMethod: string
    readonly publicKey?: string
  }
}

export interface SaidMeterValue {
  readonly timestamp: string
  readonly sampledValue: readonly SaidSample[]
}

/** Units that are told in a smaller one, and other spellings of a unit: the unit and the power of ten. */
const units: ReadonlyMap<string, readonly [unit: string, places: number]> = new Map([
  ['kWh', ['Wh', 3]],
  ['kvarh', ['varh', 3]],
  ['kVAh', ['VAh', 3]],
  ['kW', ['W', 3]],
  ['kVA', ['VA', 3]],
  ['kvar', ['var', 3]],
  ['Celcius', ['Celsius', 0]],
  ['Hertz', ['Hz', 0]],
  ['%', ['Percent', 0]]
])

/** What a sample without a measurand is. [OCPP 1.6 7.43, 2.0.1 part 2, 2.55] */
const registerMeasurand = 'Energy.Active.Import.Register'

/** Every sample of a message, lossless: converted values have the original beside them, defaults are named. */
export function meterValuesOf(said: readonly SaidMeterValue[] | undefined, from: Origin): readonly MeterValue[] {
  return listOf(said).map((one) => ({
    deviceTime: from.deviceTime(one.timestamp),
    samples: listOf(one.sampledValue).map((sample) => sampleOf(sample, from))
  }))
}

function sampleOf(said: SaidSample, from: Origin): MeterSample {
  const defaulted: string[] = []
  const measurand = said.measurand ?? fill(defaulted, 'measurand', registerMeasurand)
  const saidUnit =
    said.unitOfMeasure?.unit ?? said.unit ?? (isActiveEnergy(measurand) ? fill(defaulted, 'unit', 'Wh') : undefined)
  const [unit, unitPlaces] = (saidUnit !== undefined && units.get(saidUnit)) || [saidUnit, 0]
  const multiplier = said.unitOfMeasure?.multiplier
  const isSigned = said.format === 'SignedData'
  const rawValue = String(said.value)
  const value = isSigned ? undefined : shiftDecimal(rawValue, unitPlaces + (multiplier ?? 0))
  if (value === undefined && !isSigned) from.flag('meterValue.notNumeric')

  const sample: Partial<Mutable<MeterSample>> = { measurand }
  if (value !== undefined) sample.value = value
  if (unit !== undefined) sample.unit = unit
  if (said.phase !== undefined) sample.phase = said.phase
  sample.context = said.context ?? fill(defaulted, 'context', 'Sample.Periodic')
  sample.location = said.location ?? fill(defaulted, 'location', 'Outlet')
  sample.format = said.format ?? fill(defaulted, 'format', 'Raw')
  if (defaulted.length > 0) sample.defaulted = defaulted
  if (!isSigned && String(value) !== rawValue) sample.rawValue = rawValue
  if (saidUnit !== undefined && saidUnit !== unit) sample.rawUnit = saidUnit
  if (multiplier !== undefined) sample.rawMultiplier = multiplier
  if (isSigned) sample.signed = { data: rawValue }
  else if (said.signedMeterValue !== undefined) sample.signed = signedOf(said.signedMeterValue)
  return sample as MeterSample
}

function signedOf(said: NonNullable<SaidSample['signedMeterValue']>): SignedReading {
  const signed: Mutable<SignedReading> = { data: said.signedMeterData }
  if (said.signingMethod !== undefined) signed.method = said.signingMethod
  if (said.encodingMethod !== undefined) signed.encoding = said.encodingMethod
  if (said.publicKey !== undefined) signed.publicKey = said.publicKey
  return signed
}

function fill(defaulted: string[], member: string, value: string): string {
  defaulted.push(member)
  return value
}

/** The specification gives every energy the unit Wh; for reactive energy that would be wrong, so it is left out. */
function isActiveEnergy(measurand: string): boolean {
  return measurand.startsWith('Energy.Active.')
}

/** The reading of the active import register, in Wh, that was taken at the begin or the end of a transaction (2.x). */
export function registerWh(
  said: readonly SaidMeterValue[] | undefined,
  context: 'Transaction.Begin' | 'Transaction.End'
): number | undefined {
  for (const one of listOf(said)) {
    for (const sample of listOf(one.sampledValue)) {
      if (sample.context !== context || sample.phase !== undefined) continue
      if ((sample.measurand ?? registerMeasurand) !== registerMeasurand) continue
      if ((sample.location ?? 'Outlet') !== 'Outlet') continue
      const saidUnit = sample.unitOfMeasure?.unit ?? 'Wh'
      const [unit, places] = units.get(saidUnit) ?? [saidUnit, 0]
      if (unit !== 'Wh') continue
      return shiftDecimal(String(sample.value), places + (sample.unitOfMeasure?.multiplier ?? 0))
    }
  }
  return undefined
}
