import { deepStrictEqual, notStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { ocppVersions } from '../../src/protocol/version.ts'
import {
  codeOf,
  Rig,
  v16Boot,
  v16Meter,
  v16Start,
  v16Status,
  v16Stop,
  v201Boot,
  v201Event,
  v201Status
} from './support.ts'

const token = { idToken: 'T', type: 'ISO14443' }
const valid: readonly (readonly [string, object])[] = [
  ['BootNotification', v16Boot],
  ['StatusNotification', v16Status],
  ['StartTransaction', v16Start],
  ['StopTransaction', v16Stop(1000, { idTag: 'T', transactionData: [] })],
  ['MeterValues', v16Meter(1000)],
  ['Authorize', { idTag: 'T' }],
  ['DataTransfer', { vendorId: 'V', data: 'x' }],
  ['BootNotification', v201Boot],
  ['StatusNotification', v201Status],
  ['Authorize', { idToken: token }],
  ['TransactionEvent', v201Event('Started', 0, { idToken: token, evse: { id: 1 } })],
  ['TransactionEvent', v201Event('Ended', 3, { meterValue: [] })],
  ['Heartbeat', {}]
]

/** A valid payload of which some members have become anything. */
const broken = fc
  .tuple(
    fc.constantFrom(...valid),
    fc.array(fc.tuple(fc.nat({ max: 20 }), fc.jsonValue({ maxDepth: 2 })), { maxLength: 2 })
  )
  .map(([[action, payload], changes]): readonly [string, unknown] => {
    const copy: Record<string, unknown> = { ...payload }
    const names = [...Object.keys(payload), 'unknown']
    for (const [n, value] of changes) copy[names[n % names.length] ?? 'unknown'] = value
    return [action, copy]
  })
const anything = fc.tuple(fc.string(), fc.jsonValue())
const someCalls = fc.array(fc.oneof({ weight: 5, arbitrary: broken }, anything), { maxLength: 8 })

for (const version of ocppVersions) {
  test(`${version}: whatever the payload of a CALL, nothing is thrown and there is one answer`, () => {
    fc.assert(
      fc.property(someCalls, fc.constantFrom('strict', 'tolerant'), (calls, leniency) => {
        const rig = new Rig({ version, settings: { badFramesMax: 100, leniency } })
        for (const [n, [action, payload]] of calls.entries()) rig.call(`id-${n}`, action, payload)
        deepStrictEqual(
          rig.sent.map((frame) => frame[1]),
          calls.map((_, n) => `id-${n}`)
        )
        // No row fails on what was let through.
        for (const frame of rig.sent) notStrictEqual(codeOf(frame), 'InternalError')
        rig.close()
      }),
      { numRuns: 400 }
    )
  })

  test(`${version}: whatever the frame, nothing is thrown and the session can be closed`, () => {
    const junk = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 6 }).map((frame) => JSON.stringify(frame)),
      fc
        .tuple(fc.integer({ min: -1, max: 7 }), fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 5 }))
        .map(([type, rest]) => JSON.stringify([type, ...rest]))
    )
    fc.assert(
      fc.property(fc.array(junk, { maxLength: 20 }), (frames) => {
        const rig = new Rig({ version, settings: { badFramesMax: 5 } })
        rig.enqueue('c-1')
        for (const frame of frames) rig.frame(frame)
        rig.close()
        strictEqual(rig.settled.length, 1)
      }),
      { numRuns: 400 }
    )
  })
}
