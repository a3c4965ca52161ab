import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import type { EventSink, SinkRecord } from '../../src/ports/event-sink.ts'

export interface StoredRecord extends SinkRecord {
  readonly partition: number
}

export interface OpenedSink {
  readonly sink: EventSink
  /** What lies on the bus, in the order of each partition, read by something else than the sink. */
  read(): Promise<readonly StoredRecord[]>
  dispose(): Promise<void>
}

export interface SinkSettings {
  readonly partitions: number
  /** About how large a record may be. */
  readonly recordBytes?: number
}

/** What every event sink does, whatever bus is behind it. */
export function eventSinkContract(name: string, create: (settings: SinkSettings) => Promise<OpenedSink>): void {
  const open = async (t: TestContext, settings: SinkSettings = { partitions: 3 }) => {
    const opened = await create(settings)
    t.after(() => opened.dispose())
    await opened.sink.open()
    return opened
  }
  const record = (n: number, changed: Partial<SinkRecord> = {}): SinkRecord => ({
    key: `CP-${n % 5}`,
    value: JSON.stringify({ n, note: 'Zähler 読み取り 🔌 \\ "' }),
    headers: {
      'content-type': 'application/cloudevents+json; charset=UTF-8',
      ce_id: `id-${n}`,
      ce_type: 'meter.values'
    },
    ...changed
  })
  const numbers = (count: number, from = 0): number[] => Array.from({ length: count }, (_, n) => from + n)
  const stored = (partition: number, records: readonly SinkRecord[]) => records.map((one) => ({ partition, ...one }))
  const inPartition = (all: readonly StoredRecord[], partition: number) =>
    all.filter((one) => one.partition === partition)

  test(`${name}: what was sent lies in its partition, in order, with key, value and headers as they were given`, async (t) => {
    const { sink, read } = await open(t)
    strictEqual(sink.partitions, 3)
    strictEqual(sink.state().kind, 'up')
    const first = numbers(20).map((n) => record(n))
    const second = numbers(20, 20).map((n) => record(n))
    const other = numbers(3, 100).map((n) => record(n))
    await Promise.all([sink.send(1, first).then(() => sink.send(1, second)), sink.send(2, other)])
    const all = await read()
    deepStrictEqual(inPartition(all, 1), stored(1, [...first, ...second]))
    deepStrictEqual(inPartition(all, 2), stored(2, other))
    strictEqual(all.length, 43)
  })

  test(`${name}: a key has one partition, and keys are spread over all`, async (t) => {
    const { sink } = await open(t)
    const partitions = numbers(200).map((n) => sink.partitionOf(`CP-${n}`))
    deepStrictEqual(
      numbers(200).map((n) => sink.partitionOf(`CP-${n}`)),
      partitions
    )
    deepStrictEqual([...new Set(partitions)].sort(), [0, 1, 2])
  })

  test(`${name}: a record that is too large is refused with all that came with it, and what follows is written`, async (t) => {
    const { sink, read } = await open(t, { partitions: 1, recordBytes: 100_000 })
    const fitting = 'x'.repeat(sink.recordBytesMax - 200)
    ok(sink.recordBytesMax < 110_000, 'the setting of the bus is known')
    await rejects(sink.send(0, [record(1), record(2, { value: 'x'.repeat(sink.recordBytesMax + 1) }), record(3)]), {
      code: 'record_too_large',
      canRetry: false
    })
    await sink.send(0, [record(4), record(5, { value: fitting })])
    deepStrictEqual(await read(), stored(0, [record(4), record(5, { value: fitting })]))
  })

  test(`${name}: more than the bus takes at once is written in order`, async (t) => {
    const { sink, read } = await open(t, { partitions: 1, recordBytes: 50_000 })
    const many = numbers(30).map((n) => record(n, { value: `${n} ${'y'.repeat(10_000)}` }))
    await sink.send(0, many)
    deepStrictEqual(await read(), stored(0, many))
  })

  test(`${name}: a second send to a partition that has one outstanding is a mistake of the caller`, async (t) => {
    const { sink, read } = await open(t)
    const sending = sink.send(0, [record(1)])
    await rejects(sink.send(0, [record(2)]), { name: 'AssertionError' })
    await sending
    deepStrictEqual(await read(), stored(0, [record(1)]))
  })

  test(`${name}: a restart gives every outstanding send back, and sending goes on`, async (t) => {
    const { sink, read } = await open(t)
    const outcomes = Promise.allSettled([sink.send(0, [record(1)]), sink.send(1, [record(2)])])
    await sink.restart()
    for (const outcome of await outcomes)
      if (outcome.status === 'rejected') strictEqual(outcome.reason.code, 'sink_restarted')
    await sink.send(0, [record(3)])
    await sink.send(1, [record(4)])
    const all = await read()
    deepStrictEqual(inPartition(all, 0).at(-1), { partition: 0, ...record(3) })
    deepStrictEqual(inPartition(all, 1).at(-1), { partition: 1, ...record(4) })
  })

  test(`${name}: nothing is sent after close, and what was outstanding is told`, async (t) => {
    const { sink } = await open(t)
    const sending = sink.send(0, [record(1)]).catch((error) => error.code)
    await sink.close()
    ok([undefined, 'sink_closed'].includes(await sending))
    await rejects(sink.send(0, [record(2)]), { code: 'sink_closed' })
    await rejects(sink.open(), { code: 'sink_closed' })
    await rejects(sink.restart(), { code: 'sink_closed' })
    await sink.close()
  })
}
