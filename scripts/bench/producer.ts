import { fileURLToPath } from 'node:url'
import { contentType } from '../../src/gateway/forward-record.ts'
import type { GatewayProcess } from '../../test/support/gateway-process.ts'
import { type Child, startChild } from './child.ts'

/** A record as the gateway publishes it, and the charge points that it is published for. */
export interface SampleRecord {
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
  readonly keys: readonly string[]
}

export interface ProducerRequest {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly partitions: number
  readonly events: number
  /** Tells the events of this run from others. */
  readonly run: string
  readonly sample: SampleRecord
}

export interface ProducerReport {
  /** From the first send to the last acknowledgement. */
  readonly tookMs: number
  readonly cpuUs: number
}

/** A process that only publishes, with the gateway's own client: what the brokers and the client allow at most. */
export function startProducer(): Child<ProducerRequest, ProducerReport> {
  return startChild(fileURLToPath(new URL('producer-process.ts', import.meta.url)))
}

/** One of the events that a gateway has published, to be published again and again. */
export async function sampleOf(gateway: GatewayProcess, keys: readonly string[]): Promise<SampleRecord> {
  const { body } = await gateway.get('/v1/events?type=meter.values&limit=1')
  const [event] = (body as { readonly events: readonly object[] }).events
  if (!event) throw new Error('the gateway has no event to take as a sample')
  const headers = { 'content-type': contentType, ce_type: 'meter.values' }
  return { value: JSON.stringify(event), headers, keys }
}
