import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LogRecord } from '../../../src/ports/event-log.ts'
import { keyOf } from '../../../src/ports/records.ts'
import { type OpenedEmbedded, openTemporaryEmbedded } from '../../support/embedded.ts'

const bytesMax = 60_000
const retentionMs = 100_000

/** What a log has to be, in plain arrays. It keeps everything; `oldest` says what the real one may have let go. */
interface Model {
  readonly records: LogRecord[]
  readonly consumers: Map<string, number>
  oldest: number
}

interface Real {
  opened: OpenedEmbedded
}

/** What holds after each step. */
function check(model: Model, { opened }: Real): void {
  const { log, clock } = opened
  const { oldest, durable } = log.range()
  strictEqual(durable, model.records.length, 'durable')
  ok(oldest >= model.oldest && oldest <= durable + 1, `the oldest went from ${model.oldest} to ${oldest}`)
  // Only what may go has gone: it was too old, or the log was at its limit; and never what a required consumer lacks.
  const held = model.consumers.get('required') ?? 0
  ok(oldest <= held + 1, `${oldest} is gone although the required consumer is at ${held}`)
  const gone = model.records[oldest - 2]
  const stays = model.records[oldest - 1]
  ok(
    !gone ||
      oldest === model.oldest ||
      gone.appendedAtMs <= clock.now() - retentionMs ||
      !stays ||
      log.state().bytes > bytesMax / 2
  )
  model.oldest = oldest
  deepStrictEqual(
    [...model.consumers].sort(),
    log.consumers().map(({ name, position }): [string, number] => [name, position])
  )
}

type Step = fc.AsyncCommand<Model, Real>

class Append implements Step {
  readonly calls: readonly (readonly number[])[]
  constructor(calls: readonly (readonly number[])[]) {
    this.calls = calls
  }
  check(model: Readonly<Model>): boolean {
    // Else it would wait for the required consumer, which the contract suite looks at.
    const held = model.consumers.get('required') ?? 0
    const kept = model.records.slice(held).map(({ text }) => text.length)
    return [...kept, ...this.calls.flat()].reduce((sum, size) => sum + 2 * size + 400, 0) < bytesMax * 0.8
  }
  async run(model: Model, real: Real): Promise<void> {
    const { log, store, clock } = real.opened
    const appends = this.calls.map((sizes) => {
      const entries = sizes.map((size) => {
        const position = model.records.length + 1
        const chargePointId = `CP-${position % 3}`
        const text = JSON.stringify({ position, é: 'x'.repeat(size) })
        model.records.push({ position, appendedAtMs: clock.now(), chargePointId, type: 'meter.values', text })
        return {
          chargePointId,
          type: 'meter.values',
          text,
          changes: [
            {
              table: 'openEpochs' as const,
              key: keyOf.openEpoch(chargePointId, 1),
              value: { chargePointId, epoch: 1, version: '1.6' as const, connectedAtMs: position }
            }
          ]
        }
      })
      return { appended: log.append(entries), last: model.records.length }
    })
    for (const { appended, last } of appends) strictEqual(await appended, last)
    for (const { chargePointId, position } of model.records.slice(-3)) {
      const row = store.get('openEpochs', keyOf.openEpoch(chargePointId, 1))
      ok((row?.connectedAtMs ?? 0) >= position, 'the change came with its event')
    }
    check(model, real)
  }
  toString = () => `append(${JSON.stringify(this.calls)})`
}

class Read implements Step {
  readonly after: number
  readonly limit: number
  constructor(after: number, limit: number) {
    this.after = after
    this.limit = limit
  }
  check = () => true
  async run(model: Model, real: Real): Promise<void> {
    const { log } = real.opened
    const { oldest } = log.range()
    const from = Math.max(this.after, oldest - 1)
    deepStrictEqual(
      log.read(this.after, this.limit, 1e9).map((record) => ({ ...record })),
      model.records.slice(from, from + this.limit)
    )
  }
  toString = () => `read(${this.after}, ${this.limit})`
}

class Move implements Step {
  readonly name: string
  readonly share: number
  constructor(name: string, share: number) {
    this.name = name
    this.share = share
  }
  check = () => true
  async run(model: Model, real: Real): Promise<void> {
    const { oldest, durable } = real.opened.log.range()
    const position = oldest - 1 + Math.floor(this.share * (durable - oldest + 1))
    await real.opened.log.putConsumer(this.name, position)
    model.consumers.set(this.name, position)
    check(model, real)
  }
  toString = () => `move(${this.name}, ${this.share})`
}

class Wait implements Step {
  readonly ms: number
  constructor(ms: number) {
    this.ms = ms
  }
  check = () => true
  async run(model: Model, real: Real): Promise<void> {
    const { log, clock } = real.opened
    clock.advance(this.ms)
    await log.trim(clock.now())
    check(model, real)
    const { oldest } = log.range()
    const held = model.consumers.get('required') ?? 0
    const stays = model.records[oldest - 1]
    if (stays && oldest <= held) {
      // A page goes when its last event is old enough; whatever is older than a page's worth of time has gone.
      const page = model.records.slice(oldest - 1, held)
      ok(
        page.some(({ appendedAtMs }) => appendedAtMs > clock.now() - retentionMs) || page.length < 60,
        'old events stay'
      )
    }
  }
  toString = () => `wait(${this.ms})`
}

class Reopen implements Step {
  check = () => true
  async run(model: Model, real: Real): Promise<void> {
    const { id } = real.opened.log
    real.opened = await real.opened.reopen()
    strictEqual(real.opened.log.id, id)
    check(model, real)
  }
  toString = () => 'reopen'
}

test('a log under any sequence of appends, reads, consumers, waits and restarts is the list of what was appended', async () => {
  const size = fc.oneof(fc.nat(300), fc.nat(300), fc.constant(5_000))
  const steps = [
    fc.array(fc.array(size, { maxLength: 8 }), { minLength: 1, maxLength: 4 }).map((calls) => new Append(calls)),
    fc.array(fc.array(size, { maxLength: 30 }), { minLength: 1, maxLength: 2 }).map((calls) => new Append(calls)),
    fc.tuple(fc.nat(200), fc.nat(50)).map(([after, limit]) => new Read(after, limit)),
    fc
      .tuple(fc.constantFrom('required', 'required', 'other'), fc.double({ min: 0, max: 1, noNaN: true }))
      .map(([name, share]) => new Move(name, share)),
    fc.nat(80_000).map((ms) => new Wait(ms)),
    fc.constant(new Reopen())
  ]
  await fc.assert(
    fc.asyncProperty(fc.commands(steps, { maxCommands: 40 }), async (commands) => {
      const opened = await openTemporaryEmbedded({
        bytesMax,
        retentionMs,
        requiredConsumers: ['required'],
        sync: false
      })
      const real: Real = { opened }
      try {
        await fc.asyncModelRun(() => ({ model: { records: [], consumers: new Map(), oldest: 1 }, real }), commands)
      } finally {
        await real.opened.dispose()
      }
    }),
    { numRuns: 60 }
  )
})
