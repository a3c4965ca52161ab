/** A CALL of a charge point. */
export interface Said {
  readonly action: string
  readonly payload: Readonly<Record<string, unknown>>
}

/** What a charge point of one OCPP version says; a transaction's messages are kept by it until they are answered. */
export interface Speech {
  readonly subprotocol: 'ocpp1.6' | 'ocpp2.0.1'
  boot(): Said
  status(): Said
  start(): Said
  meter(transactionId: string): Said
  stop(transactionId: string): Said
  /** The transaction's id, out of the answer to its start. */
  transactionIdOf(said: Said, answer: Readonly<Record<string, unknown>>): string
}

/** Any size, in any version; its answer waits for its event as all durable ones do. */
export function fatMessage(bytes: number): Said {
  return { action: 'DataTransfer', payload: { vendorId: 'chaos', data: 'x'.repeat(bytes) } }
}

const now = () => new Date().toISOString()

export const speech16: Speech = {
  subprotocol: 'ocpp1.6',
  boot: () => ({ action: 'BootNotification', payload: { chargePointVendor: 'Chaos', chargePointModel: 'One' } }),
  status: () => ({
    action: 'StatusNotification',
    payload: { connectorId: 1, errorCode: 'NoError', status: 'Available', timestamp: now() }
  }),
  start: () => ({
    action: 'StartTransaction',
    payload: { connectorId: 1, idTag: 'CHAOS', meterStart: 0, timestamp: now() }
  }),
  meter: (transactionId) => ({
    action: 'MeterValues',
    payload: {
      connectorId: 1,
      transactionId: Number(transactionId),
      meterValue: [{ timestamp: now(), sampledValue: [{ value: '16.1', unit: 'kWh' }] }]
    }
  }),
  stop: (transactionId) => ({
    action: 'StopTransaction',
    payload: { transactionId: Number(transactionId), meterStop: 100, timestamp: now() }
  }),
  transactionIdOf: (_, answer) => String((answer as { transactionId: number }).transactionId)
}

export function speech201(nextTransactionId: () => string): Speech {
  let seqNo = 0
  const transaction = (eventType: string, triggerReason: string, transactionId: string): Said => ({
    action: 'TransactionEvent',
    payload: { eventType, timestamp: now(), triggerReason, seqNo: seqNo++, transactionInfo: { transactionId } }
  })
  return {
    subprotocol: 'ocpp2.0.1',
    boot: () => ({
      action: 'BootNotification',
      payload: { reason: 'PowerUp', chargingStation: { vendorName: 'Chaos', model: 'Two' } }
    }),
    status: () => ({
      action: 'StatusNotification',
      payload: { timestamp: now(), connectorStatus: 'Available', evseId: 1, connectorId: 1 }
    }),
    start: () => transaction('Started', 'CablePluggedIn', nextTransactionId()),
    meter: (transactionId) => transaction('Updated', 'MeterValuePeriodic', transactionId),
    stop: (transactionId) => transaction('Ended', 'EVDeparted', transactionId),
    transactionIdOf: (said) =>
      (said.payload as { transactionInfo: { transactionId: string } }).transactionInfo.transactionId
  }
}
