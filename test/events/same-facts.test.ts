import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { Decision } from '../../src/events/decision.ts'
import type { TransactionFacts } from '../../src/events/table.ts'
import { handle } from './support.ts'

// The reason why this model exists: who reads the events need not know which version a station speaks.

interface Said {
  readonly action: string
  readonly payload: unknown
  /** Members that this version alone can tell. */
  readonly more?: readonly string[]
}

const timestamp = '2026-11-23T10:00:00Z'
const idToken = { idToken: '04E8A1B2', type: 'ISO14443' }
const evse = { id: 2, connectorId: 1 }
const startedAt = { raw: '2026-11-23T09:00:00Z', utc: '2026-11-23T09:00:00.000Z', skewMs: 0 }
const remembered: TransactionFacts = {
  transactionId: '4711',
  orphaned: false,
  evse,
  idToken: { value: '04E8A1B2' },
  startedAt,
  meterStartWh: 1200
}
const decision: Decision = {
  decidedBy: 'local',
  authorization: { status: 'accepted', expiresAt: '2026-12-01T00:00:00.000Z' },
  registration: { status: 'accepted', intervalS: 300 }
}
const power = { measurand: 'Power.Active.Import', context: 'Sample.Periodic', location: 'Outlet' }

const facts: Readonly<Record<string, { readonly v16: Said; readonly v2: Said; readonly types: readonly string[] }>> = {
  'a boot': {
    types: ['charge_point.booted'],
    v16: {
      action: 'BootNotification',
      payload: {
        chargePointVendor: 'Acme',
        chargePointModel: 'One',
        chargePointSerialNumber: 'S1',
        firmwareVersion: '1.2',
        iccid: '89',
        imsi: '26'
      }
    },
    v2: {
      action: 'BootNotification',
      payload: {
        reason: 'PowerUp',
        chargingStation: {
          vendorName: 'Acme',
          model: 'One',
          serialNumber: 'S1',
          firmwareVersion: '1.2',
          modem: { iccid: '89', imsi: '26' }
        }
      },
      more: ['reason', 'rawReason']
    }
  },
  'a free connector': {
    types: ['connector.status_changed'],
    v16: {
      action: 'StatusNotification',
      payload: { connectorId: 2, status: 'Available', errorCode: 'NoError', timestamp },
      more: ['rawErrorCode']
    },
    v2: {
      action: 'StatusNotification',
      payload: { evseId: 2, connectorId: 1, connectorStatus: 'Available', timestamp }
    }
  },
  'an occupied connector': {
    types: ['connector.status_changed'],
    v16: {
      action: 'StatusNotification',
      payload: { connectorId: 2, status: 'SuspendedEV', errorCode: 'NoError', timestamp },
      more: ['rawErrorCode', 'detail']
    },
    v2: {
      action: 'StatusNotification',
      payload: { evseId: 2, connectorId: 1, connectorStatus: 'Occupied', timestamp }
    }
  },
  'an authorization': {
    types: ['authorization.decided'],
    v16: { action: 'Authorize', payload: { idTag: '04E8A1B2' } },
    v2: { action: 'Authorize', payload: { idToken } }
  },
  'a start': {
    types: ['transaction.started'],
    v16: {
      action: 'StartTransaction',
      payload: { connectorId: 2, idTag: '04E8A1B2', meterStart: 1200, timestamp, reservationId: 5 }
    },
    v2: {
      action: 'TransactionEvent',
      payload: {
        eventType: 'Started',
        timestamp,
        triggerReason: 'Authorized',
        seqNo: 0,
        transactionInfo: { transactionId: '4711' },
        evse,
        idToken,
        reservationId: 5,
        meterValue: [{ timestamp, sampledValue: [{ value: 1200, context: 'Transaction.Begin' }] }]
      },
      more: ['trigger', 'rawTrigger', 'seqNo', 'meterValues']
    }
  },
  'a meter value of a transaction': {
    types: ['transaction.updated'],
    v16: {
      action: 'MeterValues',
      payload: {
        connectorId: 2,
        transactionId: 4711,
        meterValue: [{ timestamp, sampledValue: [{ ...power, value: '7.36', unit: 'kW' }] }]
      }
    },
    v2: {
      action: 'TransactionEvent',
      payload: {
        eventType: 'Updated',
        timestamp,
        triggerReason: 'MeterValuePeriodic',
        seqNo: 1,
        transactionInfo: { transactionId: '4711' },
        evse,
        meterValue: [{ timestamp, sampledValue: [{ ...power, value: 7.36, unitOfMeasure: { unit: 'kW' } }] }]
      },
      more: ['rawTrigger', 'seqNo', 'deviceTime']
    }
  },
  'a meter value outside a transaction': {
    types: ['meter.values'],
    v16: {
      action: 'MeterValues',
      payload: { connectorId: 0, meterValue: [{ timestamp, sampledValue: [{ value: '16.1', unit: 'kWh' }] }] }
    },
    v2: {
      action: 'MeterValues',
      payload: {
        evseId: 0,
        meterValue: [{ timestamp, sampledValue: [{ value: 16.1, unitOfMeasure: { unit: 'kWh' } }] }]
      }
    }
  },
  'an end': {
    types: ['transaction.ended'],
    v16: {
      action: 'StopTransaction',
      payload: { transactionId: 4711, meterStop: 16100, timestamp, reason: 'DeAuthorized', idTag: '04E8A1B2' }
    },
    v2: {
      action: 'TransactionEvent',
      payload: {
        eventType: 'Ended',
        timestamp,
        triggerReason: 'Deauthorized',
        seqNo: 2,
        transactionInfo: { transactionId: '4711', stoppedReason: 'DeAuthorized' },
        idToken,
        meterValue: [
          { timestamp, sampledValue: [{ value: 16.1, context: 'Transaction.End', unitOfMeasure: { unit: 'kWh' } }] }
        ]
      },
      more: ['trigger', 'rawTrigger', 'seqNo', 'meterValues', 'authorization']
    }
  },
  'an end without a reason': {
    types: ['transaction.ended'],
    v16: { action: 'StopTransaction', payload: { transactionId: 4711, meterStop: 16100, timestamp } },
    v2: {
      action: 'TransactionEvent',
      payload: {
        eventType: 'Ended',
        timestamp,
        triggerReason: 'StopAuthorized',
        seqNo: 2,
        transactionInfo: { transactionId: '4711' },
        meterValue: [{ timestamp, sampledValue: [{ value: 16100, context: 'Transaction.End' }] }]
      },
      more: ['trigger', 'rawTrigger', 'seqNo', 'meterValues']
    }
  },
  'a vendor message': {
    types: ['data_transfer.received'],
    v16: { action: 'DataTransfer', payload: { vendorId: 'com.acme', messageId: 'hello', data: 'x' } },
    v2: { action: 'DataTransfer', payload: { vendorId: 'com.acme', messageId: 'hello', data: 'x' } }
  },
  'the progress of a signed firmware update': {
    types: ['firmware.status_changed'],
    v16: { action: 'SignedFirmwareStatusNotification', payload: { status: 'SignatureVerified', requestId: 3 } },
    v2: { action: 'FirmwareStatusNotification', payload: { status: 'SignatureVerified', requestId: 3 } }
  },
  'the progress of a firmware update': {
    types: ['firmware.status_changed'],
    v16: { action: 'FirmwareStatusNotification', payload: { status: 'Downloading' } },
    v2: { action: 'FirmwareStatusNotification', payload: { status: 'Downloading' } }
  },
  'an upload of diagnostics': {
    types: ['diagnostics.status_changed'],
    v16: { action: 'DiagnosticsStatusNotification', payload: { status: 'UploadFailed' } },
    v2: { action: 'LogStatusNotification', payload: { status: 'UploadFailure' } }
  },
  'an upload of a log': {
    types: ['diagnostics.status_changed'],
    v16: { action: 'LogStatusNotification', payload: { status: 'UploadFailure', requestId: 8 } },
    v2: { action: 'LogStatusNotification', payload: { status: 'UploadFailure', requestId: 8 } }
  },
  'a security event': {
    types: ['security.event'],
    v16: { action: 'SecurityEventNotification', payload: { type: 'InvalidTLSCipherSuite', timestamp, techInfo: 't' } },
    v2: { action: 'SecurityEventNotification', payload: { type: 'InvalidTLSCipherSuite', timestamp, techInfo: 't' } }
  },
  'a request for a certificate': {
    types: ['certificate.requested'],
    v16: { action: 'SignCertificate', payload: { csr: 'PEM' } },
    v2: { action: 'SignCertificate', payload: { csr: 'PEM' } }
  }
}

/** Less what stands beside a unified value because versions spell it differently, and the type that 1.6 has no word for. */
function comparable(value: unknown, path: readonly string[], more: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((one) => comparable(one, path, more))
  if (typeof value !== 'object' || value === null) return value
  const isTop = path.length === 0
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([name]) => !(isTop && more.includes(name)) && !(name.startsWith('raw') && name !== 'raw' && isRelative(name))
      )
      .filter(([name]) => !(name === 'type' && /dToken$/.test(path.at(-1) ?? '')))
      .map(([name, member]) => [name, comparable(member, [...path, name], more)])
  )
}

/** Statuses are spelt by each version; raw values and units of meters are not, and have to agree. */
function isRelative(name: string): boolean {
  return name !== 'rawValue' && name !== 'rawUnit'
}

for (const [fact, { types, v16, v2 }] of Object.entries(facts)) {
  for (const version of ['2.0.1', '2.1'] as const) {
    test(`${fact}: 1.6 and ${version} give the same events`, () => {
      const given = { decision, transaction: remembered }
      const old = handle('1.6', v16.action, v16.payload, given).events
      const young = handle(version, v2.action, v2.payload, given).events
      deepStrictEqual(
        old.map(({ type }) => type),
        types
      )
      deepStrictEqual(
        young.map(({ type, data }) => ({ type, data: comparable(data, [], v2.more ?? []) })),
        old.map(({ type, data }) => ({ type, data: comparable(data, [], v16.more ?? []) }))
      )
      for (const name of v2.more ?? []) strictEqual(name in (young[0]?.data ?? {}), true, `${name} is not told`)
    })
  }
}
