import { deepStrictEqual } from 'node:assert'
import { test } from 'node:test'
import { Sweeps } from '../../../src/gateway/cluster/sweeps.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { away, turns } from '../../support/kept-ledger.ts'
import { memoryLogger } from '../../support/memory-logger.ts'

function sweeping(outcomes: (Error | undefined)[]) {
  const clock = new FakeClock()
  const logger = memoryLogger()
  const world = { sweeps: 0 }
  const sweep = async () => {
    world.sweeps++
    const error = outcomes.shift()
    if (error) throw error
  }
  const sweeps = new Sweeps({ clock, logger, sweep, failed: 'rows could not be looked for' })
  const seconds = async (count: number) => {
    for (let n = 0; n < count; n++) {
      clock.advance(1_000)
      await turns()
    }
  }
  const levels = () => logger.lines.map(({ level }) => level)
  return { sweeps, seconds, levels, world }
}

test('a sweep that fails because the registry is away is no error, and the next one comes', async () => {
  const { sweeps, seconds, levels, world } = sweeping([away, away])
  sweeps.start()
  await seconds(3)
  deepStrictEqual([levels(), world.sweeps], [['debug', 'debug'], 3])
  sweeps.stop()
  await seconds(2)
  deepStrictEqual(world.sweeps, 3)
})

// A record whose time could not be written threw in every sweep, and was told as a registry that is away, on debug.
test('a sweep that fails by a mistake of the gateway is an error, once until one has succeeded', async () => {
  const mistake = new RangeError('Invalid time value')
  const { sweeps, seconds, levels, world } = sweeping([mistake, mistake, away, mistake, undefined, mistake])
  sweeps.start()
  await seconds(6)
  deepStrictEqual([levels(), world.sweeps], [['error', 'debug', 'error'], 6])
  sweeps.stop()
})
