import { partitionOfKey } from '../../src/adapters/kafka/murmur2.ts'
import { createProducer, produce } from '../../src/adapters/kafka/producer.ts'
import { serveParent } from './child.ts'
import type { ProducerReport, ProducerRequest } from './producer.ts'

// The producer alone, with the client and the settings of the gateway: the same batches, one send outstanding in each partition.

const batchRecordsMax = 1_000
const batchBytesMax = 1_000_000
const idPlace = '"id":"'

async function send({ brokers, topic, partitions, events, run, sample }: ProducerRequest): Promise<ProducerReport> {
  const producer = createProducer({ brokers, clientId: 'bench-alone' }, 'none', (operation, error) => {
    // A figure with retries in it is none.
    console.error(`the brokers refused ${operation}`, error)
    process.exit(1)
  })
  // Before the clock: the first metadata and the id of the producer.
  await producer.initIdempotentProducer({})
  const at = sample.value.indexOf(idPlace) + idPlace.length
  const [before, after] = [sample.value.slice(0, at), sample.value.slice(sample.value.indexOf('"', at))]
  const keysOf = Array.from({ length: partitions }, () => [] as string[])
  for (const key of sample.keys) keysOf[partitionOfKey(key, partitions)]?.push(key)
  let sent = 0
  const cpuBefore = process.cpuUsage()
  const beganMs = performance.now()
  const lane = async (partition: number, keys: readonly string[], count: number) => {
    const perBatch = Math.min(batchRecordsMax, Math.floor(batchBytesMax / (sample.value.length + 250)))
    for (let done = 0; done < count; ) {
      const size = Math.min(perBatch, count - done)
      const records = Array.from({ length: size }, (_, n) => {
        const id = `${run}-${String(++sent).padStart(36 - run.length - 1, '0')}`
        const key = keys[(done + n) % keys.length] ?? ''
        const headers = { ...sample.headers, ce_id: id, ce_subject: key }
        return { key, value: `${before}${id}${after}`, headers }
      })
      await produce(producer, topic, partition, records)
      done += size
    }
  }
  // As many in each partition as its keys have events.
  let given = 0
  const lanes = keysOf.map((keys, partition) => {
    const isLast = partition === partitions - 1
    const count = isLast ? events - given : Math.round((events * keys.length) / sample.keys.length)
    given += count
    return lane(partition, keys, count)
  })
  await Promise.all(lanes)
  const tookMs = performance.now() - beganMs
  const { user, system } = process.cpuUsage(cpuBefore)
  await producer.close(true)
  return { tookMs, cpuUs: user + system }
}

serveParent(send)
