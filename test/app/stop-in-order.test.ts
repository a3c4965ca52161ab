import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { type StopParts, stopInOrder } from '../../src/app/stop-in-order.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { memoryLogger } from '../support/memory-logger.ts'

const deadlineMs = 20_000

/** What a stop does in its order; `taking` is how long the bus takes, or fails. */
function world(taking: Promise<void>) {
  const clock = new FakeClock()
  const logger = memoryLogger()
  const seen: string[] = []
  const note = (what: string) => void seen.push(what)
  const parts: StopParts = {
    clock,
    logger,
    server: { stopAccepting: async () => note('no new connections') },
    outside: {
      stopTaking: () => {
        note('no more commands')
        return taking
      },
      stop: async (ms) => note(`hand on within ${ms}`)
    },
    node: {
      stopping: () => note('not ready'),
      stop: async (ms) => {
        note(`drain within ${ms}`)
        return { connections: 0, cut: 0, waiting: 0 }
      }
    }
  }
  return { clock, logger, seen, stopped: stopInOrder(parts, deadlineMs) }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a stop takes no connections and no commands before it drains, and drains when the last command was taken', async () => {
  const taking = Promise.withResolvers<void>()
  const { clock, seen, stopped } = world(taking.promise)
  await turn()
  deepStrictEqual(seen, ['not ready', 'no new connections', 'no more commands'])
  clock.advance(2000)
  taking.resolve()
  await stopped
  deepStrictEqual(seen.slice(3), ['drain within 18000', 'hand on within 2000'])
})

// It was waited for without end, and the stop was cut off before anything of the drain.
test('a bus that hangs takes a share of the stop, the charge points have the rest', { timeout: 5_000 }, async () => {
  const { clock, seen, stopped } = world(new Promise(() => undefined))
  clock.advance(deadlineMs / 2)
  await stopped
  ok(seen.includes('drain within 10000'), seen.join())
})

test('a bus that fails to close is told of, and the stop goes on', async () => {
  const { logger, seen, stopped } = world(Promise.reject(new Error('broken')))
  await stopped
  strictEqual(seen.at(-1), 'hand on within 2000')
  deepStrictEqual(
    logger.lines.map(({ level }) => level),
    ['error']
  )
})
