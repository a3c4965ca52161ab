import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import type { CommandHandler, CommandSource, SourceRecord } from '../../src/ports/command-source.ts'

export interface PutRecord {
  readonly partition: number
  readonly key?: string
  readonly value: string | Uint8Array
}

export interface DeadRecord {
  readonly key: string
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

/** A topic of two partitions and what may be done to it besides consuming. */
export interface OpenedSource {
  /** Another consumer of the same group. */
  create(): CommandSource
  put(records: readonly PutRecord[]): Promise<void>
  /** The records that the group has committed, over all partitions. */
  committed(): Promise<number>
  /** Set the group back to the oldest record. Nobody consumes meanwhile. */
  rewind(): Promise<void>
  deadLetters(): Promise<readonly DeadRecord[]>
  /** Resolves when the condition holds, rejects after a while. */
  until(what: string, condition: () => boolean | Promise<boolean>): Promise<void>
  dispose(): Promise<void>
}

/** A handler that keeps what it was told. */
export class RecordingHandler implements CommandHandler {
  readonly accepted: SourceRecord[][] = []
  readonly proceeded: SourceRecord[] = []
  readonly elsewhere: SourceRecord[] = []
  /** Awaited within each accept; may reject. */
  onAccept: (records: readonly SourceRecord[]) => Promise<void> | void = () => undefined

  async accept(records: readonly SourceRecord[]): Promise<void> {
    this.accepted.push([...records])
    await this.onAccept(records)
  }

  proceed(records: readonly SourceRecord[]): void {
    this.proceeded.push(...records)
  }

  committedElsewhere(records: readonly SourceRecord[]): void {
    this.elsewhere.push(...records)
  }

  get values(): string[] {
    return this.proceeded.map(({ value }) => value)
  }
}

/** What every source of commands does, whatever bus is behind it. */
export function commandSourceContract(name: string, openSource: () => Promise<OpenedSource>): void {
  const open = async (t: TestContext) => {
    const bus = await openSource()
    const sources: CommandSource[] = []
    t.after(async () => {
      await Promise.all(sources.map((source) => source.close()))
      await bus.dispose()
    })
    const consume = async (handler = new RecordingHandler()) => {
      const source = bus.create()
      sources.push(source)
      await source.start(handler)
      return { source, handler }
    }
    return { ...bus, consume }
  }
  const values = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `v${from + n}`)
  const spread = (texts: readonly string[]): PutRecord[] =>
    texts.map((value, n) => ({ partition: n % 2, key: `CP-${n % 2}`, value }))
  const byWhere = (records: readonly SourceRecord[]) => records.toSorted((a, b) => (a.where < b.where ? -1 : 1))
  const ordered = (all: readonly SourceRecord[], key: string) =>
    all.filter((record) => record.key === key).map(({ value }) => value)

  test(`${name}: records come in the order of their key, and proceed only when their commit is confirmed`, async (t) => {
    const { consume, put, until, committed } = await open(t)
    const startMs = Date.now()
    await put(spread(values(40)))
    const { source, handler } = await consume()
    await until('all have proceeded', () => handler.proceeded.length === 40)
    strictEqual(await committed(), 40)
    deepStrictEqual(
      ordered(handler.proceeded, 'CP-0'),
      values(40).filter((_, n) => n % 2 === 0)
    )
    deepStrictEqual(
      ordered(handler.proceeded, 'CP-1'),
      values(40).filter((_, n) => n % 2 === 1)
    )
    const [first] = handler.proceeded
    ok(first)
    ok(first.timestampMs >= startMs - 60_000 && first.timestampMs <= Date.now() + 60_000)
    match(first.where, /^[^/]+\/\d+@\d+$/)
    strictEqual(new Set(handler.proceeded.map(({ where }) => where)).size, 40)
    strictEqual(source.state().kind, 'up')
  })

  test(`${name}: a batch that is not accepted is not committed, does not proceed, and comes again whole`, async (t) => {
    const { consume, put, until, committed } = await open(t)
    const handler = new RecordingHandler()
    const refusal = Promise.withResolvers<void>()
    let refusals = 0
    handler.onAccept = async () => {
      if (refusals++ < 2) await refusal.promise
    }
    await put(values(3).map((value) => ({ partition: 0, key: 'CP-0', value })))
    await consume(handler)
    await until('it was offered', () => handler.accepted.length > 0)
    deepStrictEqual([await committed(), handler.proceeded.length], [0, 0])
    refusal.reject(new Error('the registry is away'))
    await until('it was offered thrice and proceeded', () => handler.proceeded.length === 3)
    deepStrictEqual(handler.accepted[0], handler.accepted[1])
    deepStrictEqual(handler.accepted[0], handler.accepted[2])
    deepStrictEqual(handler.values, values(3))
  })

  test(`${name}: a restart goes on behind what was committed`, async (t) => {
    const { consume, put, until } = await open(t)
    await put(spread(values(10)))
    const first = await consume()
    await until('all have proceeded', () => first.handler.proceeded.length === 10)
    await first.source.close()
    await put(spread(values(10, 10)))
    const second = await consume()
    await until('the rest has proceeded', () => second.handler.proceeded.length === 10)
    deepStrictEqual([...second.handler.values].sort(), [...values(10, 10)].sort())
  })

  test(`${name}: two consumers share the topic, and one takes over what the other leaves`, async (t) => {
    const { consume, put, until } = await open(t)
    const first = await consume()
    await put(spread(values(10)))
    await until('the first has all', () => first.handler.proceeded.length === 10)
    const second = await consume()
    let sent = 10
    await until('both get records', async () => {
      await put(spread(values(2, sent)))
      sent += 2
      return second.handler.proceeded.length > 0
    })
    await first.source.close()
    const left = second.handler.proceeded.length
    await put(spread(values(10, sent)))
    await until('the second has both partitions', () => second.handler.proceeded.length >= left + 10)
    await until(
      'each record has proceeded',
      () => first.handler.proceeded.length + second.handler.proceeded.length >= sent + 10
    )
    const all = [...first.handler.values, ...second.handler.values]
    strictEqual(new Set(all).size, all.length, 'none twice')
  })

  test(`${name}: what was lost to another before its commit does not proceed here but there`, async (t) => {
    const { consume, put, until } = await open(t)
    const first = await consume()
    const held = Promise.withResolvers<void>()
    first.handler.onAccept = () => held.promise
    await put(spread(values(2)))
    await until('the first holds a batch', () => first.handler.accepted.length > 0)
    const second = await consume()
    await until('the second has proceeded with what it took', () => second.handler.proceeded.length > 0)
    held.resolve()
    await until('the first has proceeded with what it kept', () => first.handler.proceeded.length > 0)
    const all = [...first.handler.values, ...second.handler.values].sort()
    deepStrictEqual(all, values(2))
    // A handler that has claimed them would otherwise wait for a batch that never comes.
    const before = first.handler.accepted[0]?.[0]?.generation
    const lost = () => first.handler.accepted.flat().filter(({ generation }) => generation === before)
    await until('the first knows that they were committed', () => first.handler.elsewhere.length >= lost().length)
    deepStrictEqual(byWhere(first.handler.elsewhere), byWhere(lost()))
  })

  test(`${name}: a group that was set back gets its records again`, async (t) => {
    const { consume, put, until, rewind } = await open(t)
    await put(spread(values(6)))
    const first = await consume()
    await until('all have proceeded', () => first.handler.proceeded.length === 6)
    await first.source.close()
    await rewind()
    const second = await consume()
    await until('all have proceeded again', () => second.handler.proceeded.length === 6)
    deepStrictEqual([...second.handler.values].sort(), values(6))
  })

  test(`${name}: nothing is handed over while paused, and nothing is lost by it`, async (t) => {
    const { consume, put, until, committed } = await open(t)
    const { source, handler } = await consume()
    await put(spread(values(2)))
    await until('it consumes', () => handler.proceeded.length === 2)
    source.pause()
    source.pause()
    await put(spread(values(4, 2)))
    // Another group member of its own topic would be through long since.
    const witness = await open(t)
    await witness.put(spread(values(4)))
    const other = await witness.consume()
    await witness.until('the witness has consumed', () => other.handler.proceeded.length === 4)
    deepStrictEqual([handler.accepted.flat().length, await committed()], [2, 2])
    source.resume()
    await until('the rest has proceeded', () => handler.proceeded.length === 6)
  })

  test(`${name}: a record that is no text, or has no key or no value, is handed over like any other`, async (t) => {
    const { consume, put, until } = await open(t)
    await put([
      { partition: 0, value: new Uint8Array([0xff, 0xfe, 0x00]) },
      { partition: 0, key: 'CP-0', value: '' },
      { partition: 0, key: 'CP-0', value: 'last' }
    ])
    const { handler } = await consume()
    await until('all have proceeded', () => handler.proceeded.length === 3)
    deepStrictEqual(handler.values, ['\ufffd\ufffd\u0000', '', 'last'])
    strictEqual(handler.proceeded[0]?.key, undefined)
  })

  test(`${name}: a record is put aside as it came, with why, whence and when`, async (t) => {
    const { consume, put, until, deadLetters } = await open(t)
    const { source, handler } = await consume()
    handler.onAccept = async (records) => {
      for (const record of records) if (record.value !== 'good') await source.deadLetter(record, 'it is no JSON')
    }
    await put([
      { partition: 0, key: 'CP-9', value: '{"a":' },
      { partition: 0, key: 'CP-9', value: 'good' }
    ])
    await until('both have proceeded', () => handler.proceeded.length === 2)
    const [bad] = handler.proceeded
    ok(bad)
    deepStrictEqual(await deadLetters(), [
      {
        key: 'CP-9',
        value: '{"a":',
        headers: {
          dead_letter_reason: 'it is no JSON',
          dead_letter_where: bad.where,
          dead_letter_timestamp: new Date(bad.timestampMs).toISOString()
        }
      }
    ])
  })

  test(`${name}: close ends it, and a second start is a mistake`, async (t) => {
    const { consume } = await open(t)
    const { source, handler } = await consume()
    await rejects(source.start(handler), /once/)
    await source.close()
    await source.close()
  })
}
