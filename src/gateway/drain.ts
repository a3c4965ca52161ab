import { wait } from '../lib/wait.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { CommandDesk } from './command-desk.ts'
import type { Hub } from './hub.ts'
import type { EventPipeline } from './pipeline.ts'

export interface DrainParts {
  readonly hub: Hub
  readonly desk: CommandDesk
  readonly pipeline: EventPipeline
  readonly clock: Clock
  readonly logger: Logger
}

export interface DrainReport {
  readonly connections: number
  /** Connections that still had a CALL open when their turn came at the deadline. */
  readonly cut: number
  /** Events that the log had not taken at the deadline. */
  readonly waiting: number
}

const paceMs = 20

/**
 * Stop without losing anything: queued commands end, open CALLs finish or are settled, charge points are closed with 1001
 * in a paced way (their reconnects must not come as one herd), and everything published is on disk at the end.
 */
export async function drain(
  { hub, desk, pipeline, clock, logger }: DrainParts,
  deadlineMs: number
): Promise<DrainReport> {
  const beganMs = clock.now()
  hub.refuseNew()
  desk.stop()
  const all = hub.conversations()
  for (const conversation of all) conversation.stop()
  // A third of the time to pace the closing, the rest for what is in flight. Flush and closing down have the last quarter.
  const perStep = Math.max(1, Math.ceil(all.length / Math.max(1, deadlineMs / 3 / paceMs)))
  const lastMs = beganMs + deadlineMs * 0.75
  let waiting = all
  let cut = 0
  while (waiting.length > 0) {
    waiting = waiting.filter((conversation) => !conversation.ended)
    const late = clock.now() >= lastMs
    const ready = waiting
      .filter((conversation) => conversation.quiet() || late)
      .slice(0, late ? waiting.length : perStep)
    for (const conversation of ready) {
      if (!conversation.session.settled) cut++
      conversation.end('shutting_down')
    }
    if (waiting.length > ready.length) await wait(clock, paceMs)
    else waiting = []
  }
  const isLate = () => clock.now() >= beganMs + deadlineMs * 0.9
  while ((!desk.idle || pipeline.depth > 0) && !isLate()) await wait(clock, paceMs)
  const report = { connections: all.length, cut, waiting: pipeline.depth }
  const about = { ...report, tookMs: clock.now() - beganMs }
  if (report.waiting === 0) logger.info(about, 'every charge point is closed and every event is on disk')
  else logger.warn(about, 'the event log did not take every event in time; what they tell was not answered')
  return report
}
