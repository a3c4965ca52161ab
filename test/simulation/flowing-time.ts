import { setImmediate as nextTurn } from 'node:timers/promises'
import { Random } from './random.ts'
import { Scheduler } from './scheduler.ts'

const strideMs = 10

/** Simulated time that goes on by itself, as fast as it can: for suites that wait for what happens, as they do on real services. */
export function flowingTime(seed = 1) {
  const scheduler = new Scheduler(new Random(seed), Date.now(), 100)
  let isOver = false
  const flow = async () => {
    while (!isOver) {
      await scheduler.runUntil(scheduler.nowMs + strideMs)
      await nextTurn()
    }
  }
  const flowing = flow()
  return {
    scheduler,
    end: async () => {
      isOver = true
      await flowing
    }
  }
}
