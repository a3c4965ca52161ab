import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { ForwarderWorld, numberOf, settled } from './forwarder-world.ts'

const partitions = 3
const bytesMax = 12_000
const largest = 5_000

type Step =
  | { readonly kind: 'append'; readonly chargePoints: readonly number[] }
  | { readonly kind: 'append_large' | 'append_too_large'; readonly chargePoint: number }
  | { readonly kind: 'land' | 'lose_answer' | 'restarted' | 'fail' | 'hold' | 'let_go'; readonly partition: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'crash' | 'away' | 'back' | 'hold_store' | 'trim' }

const chargePoint = fc.integer({ min: 0, max: 8 })
const partition = fc.integer({ min: 0, max: partitions - 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      chargePoints: fc.array(chargePoint, { minLength: 1, maxLength: 20 })
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('append_large' as const, 'append_too_large' as const), chargePoint })
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'land' as const,
        'lose_answer' as const,
        'restarted' as const,
        'fail' as const,
        'hold' as const,
        'let_go' as const
      ),
      partition
    })
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 50, 250, 1_000, 3_000, 100_000) })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('crash' as const, 'away' as const, 'back' as const, 'hold_store' as const, 'trim' as const)
    })
  }
)

class Run {
  readonly world = new ForwarderWorld(partitions, { bytesMax, batchRecordsMax: 7, sendsBurst: 4, sendsPerS: 100 })
  readonly #held = new Set<number>([0, 1, 2])
  /** Charge point of each event, by number. */
  readonly #chargePoints: number[] = []
  #storeIsHeld = false
  #highest = 0

  async start(): Promise<void> {
    const { world } = this
    world.sink.recordBytesMax = largest
    // Smaller than what it says: a topic may have been changed since.
    world.sink.batchBytesMax = largest - 700
    world.sink.held = this.#held
    const { commit } = world.store
    world.store.commit = (changes) =>
      this.#storeIsHeld ? new Promise(() => undefined) : commit.call(world.store, changes)
    await world.start()
  }

  async take(step: Step): Promise<void> {
    const { world } = this
    const { sink, clock } = world
    switch (step.kind) {
      case 'append':
        this.#chargePoints.push(...step.chargePoints)
        await world.append(...step.chargePoints)
        break
      case 'append_large':
      case 'append_too_large':
        this.#chargePoints.push(step.chargePoint)
        // Large: refused by the topic alone, which takes less than it says.
        await world.appendPadded(step.chargePoint, step.kind === 'append_large' ? largest - 1_000 : largest)
        break
      case 'land':
        sink.land(step.partition)
        break
      case 'lose_answer':
        sink.land(step.partition, 'is_lost')
        break
      case 'restarted':
        sink.fail(step.partition, 'sink_restarted')
        break
      case 'fail':
        sink.fail(step.partition, 'surprise')
        break
      case 'hold':
        this.#held.add(step.partition)
        break
      case 'let_go':
        this.#held.delete(step.partition)
        sink.land(step.partition)
        break
      case 'pass':
        await world.pass(step.ms, step.ms > 3_000 ? 1_000 : 100)
        break
      case 'crash':
        this.#storeIsHeld = false
        await world.crash()
        world.sink.held = this.#held
        break
      case 'away':
      case 'back':
        sink.become(step.kind === 'back' ? 'up' : 'down', clock.now())
        break
      case 'hold_store':
        this.#storeIsHeld = true
        break
      case 'trim':
        await world.log.trim()
        break
    }
    await settled()
    this.check()
  }

  /** What holds at any moment. */
  check(): void {
    const { world } = this
    const bytes = world.forwarder.bytesInMemory
    ok(bytes <= bytesMax + partitions * largest, `${bytes} bytes in memory`)
    const cursor = world.log.consumer('$forwarder')?.position ?? 0
    ok(cursor >= this.#highest, 'the cursor never goes back')
    this.#highest = cursor
    const there = new Set(world.topic.partitions.flat().map(numberOf))
    for (let n = 1; n <= cursor; n++) ok(there.has(n), `the cursor is at ${cursor} and event ${n} is not in the topic`)
    for (let partition = 0; partition < partitions; partition++) {
      for (let n = 1; n <= cursor + 1_000 && n <= this.#chargePoints.length; n++) {
        const isOurs = (this.#chargePoints[n - 1] ?? 0) % partitions === partition
        if (isOurs && world.forwarder.isAcked(partition, n)) ok(there.has(n), `event ${n} counts as acknowledged`)
      }
      this.#inOrder(partition)
    }
    const backlog = this.#chargePoints.length - there.size
    ok(world.forwarder.backlog >= backlog, `${backlog} events are missing, ${world.forwarder.backlog} are said to be`)
  }

  /** Less the repeats, all of the partition's events without a gap; a repeat is the same byte for byte. */
  #inOrder(partition: number): void {
    const first = new Map<number, string>()
    for (const record of this.world.topic.partitions[partition] ?? []) {
      const known = first.get(numberOf(record))
      if (known === undefined) first.set(numberOf(record), record.value)
      else strictEqual(record.value, known)
    }
    const expected = [...this.#chargePoints.keys()]
      .filter((index) => (this.#chargePoints[index] ?? 0) % partitions === partition)
      .map((index) => index + 1)
    deepStrictEqual([...first.keys()], expected.slice(0, first.size))
  }

  async recover(): Promise<void> {
    const { world } = this
    this.#storeIsHeld = false
    world.sink.become('up', world.clock.now())
    world.sink.release()
    // An answer that was lost is only found by the watchdog.
    await world.pass(110_000, 1_000)
    await world.pass(3_000)
    this.check()
    strictEqual(world.forwarder.backlog, 0)
    deepStrictEqual(world.forwarder.state().lagging, [])
    strictEqual(world.forwarder.bytesInMemory, 0)
    strictEqual(world.forwarder.oldestAgeMs(), 0)
    const there = new Set(world.topic.partitions.flat().map(numberOf))
    strictEqual(there.size, this.#chargePoints.length)
    strictEqual(world.log.consumer('$forwarder')?.position ?? 0, this.#chargePoints.length)
  }
}

test('whatever the bus and the process do: in order, nothing missing afterwards, nothing counted before its acknowledgement', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), async (steps) => {
      const run = new Run()
      await run.start()
      for (const next of steps) await run.take(next)
      await run.recover()
    }),
    { numRuns: 60 }
  )
})
