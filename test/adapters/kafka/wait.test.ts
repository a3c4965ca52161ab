import { rejects, strictEqual } from 'node:assert'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { unlessAborted } from '../../../src/adapters/kafka/wait.ts'

test('work that ends before the abort gives what it came to, and leaves no listener behind', async () => {
  const { signal } = new AbortController()
  strictEqual(await unlessAborted(Promise.resolve(7), signal), 7)
  await rejects(unlessAborted(Promise.reject(new Error('away')), signal), /away/)
  strictEqual(getEventListeners(signal, 'abort').length, 0)
})

test('an abort ends the wait, and nobody need hear how the work ends', async () => {
  const stop = new AbortController()
  const work = Promise.withResolvers<void>()
  const waited = unlessAborted(work.promise, stop.signal)
  stop.abort(new Error('closed'))
  await rejects(waited, /closed/)
  await rejects(unlessAborted(work.promise, stop.signal), /closed/)
  strictEqual(getEventListeners(stop.signal, 'abort').length, 0)
  // Unheard, it would end this test.
  work.reject(new Error('too late'))
  await new Promise((resolve) => setImmediate(resolve))
})
