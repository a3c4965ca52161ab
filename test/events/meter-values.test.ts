import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { MeterSample } from '../../src/events/data-transaction.ts'
import type { OcppVersion } from '../../src/protocol/version.ts'
import { handle } from './support.ts'

const timestamp = '2026-11-23T10:00:00Z'

function sampled(version: OcppVersion, sample: object) {
  const meterValue = [{ timestamp, sampledValue: [sample] }]
  const payload = version === '1.6' ? { connectorId: 1, meterValue } : { evseId: 1, meterValue }
  const [event] = handle(version, 'MeterValues', payload).events
  const told: MeterSample | undefined =
    event?.type === 'meter.values' ? event.data.meterValues[0]?.samples[0] : undefined
  return { told, flags: event?.data.flags }
}

const usual = { measurand: 'Voltage', context: 'Trigger', location: 'Outlet', format: 'Raw' }

// B6: every sample was relabelled Energy.Active.Import.Register, and the units were dropped.
test('a sample keeps its measurand, unit, phase, context, location and format', () => {
  const said = { ...usual, value: '230.5', unit: 'V', phase: 'L1-N', location: 'Inlet' }
  deepStrictEqual(sampled('1.6', said).told, { ...said, value: 230.5 })
})

test('what a station leaves out is filled in as the specification says, and named', () => {
  deepStrictEqual(sampled('1.6', { value: '5' }).told, {
    measurand: 'Energy.Active.Import.Register',
    value: 5,
    unit: 'Wh',
    context: 'Sample.Periodic',
    location: 'Outlet',
    format: 'Raw',
    defaulted: ['measurand', 'unit', 'context', 'location', 'format']
  })
  // Wh would be wrong, and no unit is said.
  const reactive = sampled('1.6', { ...usual, measurand: 'Energy.Reactive.Import.Register', value: '5' }).told
  strictEqual(reactive && 'unit' in reactive, false)
})

test('values are told in the smaller unit, exactly, with the original beside', () => {
  const converted = (value: string, unit: string) => {
    const { told } = sampled('1.6', { ...usual, value, unit })
    return [told?.value, told?.unit, told?.rawValue, told?.rawUnit]
  }
  deepStrictEqual(converted('16.1', 'kWh'), [16100, 'Wh', '16.1', 'kWh'])
  deepStrictEqual(converted('1.005', 'kW'), [1005, 'W', '1.005', 'kW'])
  deepStrictEqual(converted('0.3', 'kvarh'), [300, 'varh', '0.3', 'kvarh'])
  deepStrictEqual(converted('0', 'kWh'), [0, 'Wh', undefined, 'kWh'])
  deepStrictEqual(converted('21', 'Celcius'), [21, 'Celsius', undefined, 'Celcius'])
  deepStrictEqual(converted('50', 'Hertz'), [50, 'Hz', undefined, 'Hertz'])
  deepStrictEqual(converted('50', 'parsecs'), [50, 'parsecs', undefined, undefined])
})

test('a number is kept to the letter when its text says it in another way', () => {
  strictEqual(sampled('1.6', { ...usual, value: '230.50', unit: 'V' }).told?.rawValue, '230.50')
  strictEqual(sampled('1.6', { ...usual, value: '230.5', unit: 'V' }).told?.rawValue, undefined)
})

test('a value that is no number is told as it came, and flagged', () => {
  const { told, flags } = sampled('1.6', { ...usual, value: 'n/a', unit: 'V' })
  deepStrictEqual(told, { ...usual, unit: 'V', rawValue: 'n/a' })
  deepStrictEqual(flags, ['meterValue.notNumeric'])
})

test('signed data stays as it came', () => {
  const { told, flags } = sampled('1.6', { ...usual, format: 'SignedData', value: '3082...' })
  deepStrictEqual(told, { ...usual, format: 'SignedData', signed: { data: '3082...' } })
  strictEqual(flags, undefined)
})

test('a multiplier of 2.x is applied by shifting, and kept', () => {
  const unitOfMeasure = { unit: 'Wh', multiplier: 3 }
  const { told } = sampled('2.0.1', { ...usual, format: undefined, value: 16.1, unitOfMeasure })
  deepStrictEqual(told, {
    measurand: 'Voltage',
    value: 16100,
    unit: 'Wh',
    context: 'Trigger',
    location: 'Outlet',
    format: 'Raw',
    defaulted: ['format'],
    rawValue: '16.1',
    rawMultiplier: 3
  })
})

test('a signed meter value of 2.x stands beside its number', () => {
  const signedMeterValue = { signedMeterData: 'd', signingMethod: 'm', encodingMethod: 'e', publicKey: 'k' }
  deepStrictEqual(sampled('2.1', { value: 5, signedMeterValue }).told?.signed, {
    data: 'd',
    method: 'm',
    encoding: 'e',
    publicKey: 'k'
  })
})
