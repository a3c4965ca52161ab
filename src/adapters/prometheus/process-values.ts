import { readdirSync, readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** What the process tells of itself. Read at a scrape only. */
export interface ProcessValues {
  cpuSeconds(): { readonly user: number; readonly system: number }
  memory(): NodeJS.MemoryUsage
  /** Undefined where the system does not tell (no /proc). */
  openFds(): number | undefined
  maxFds(): number | undefined
  startTimeSeconds(): number
  /** Delays by quantile since this was asked last. */
  eventLoopDelay(): readonly { readonly quantile: string; readonly seconds: number }[]
  close(): void
}

const resolutionMs = 10
const quantiles = ['0.5', '0.9', '0.99', '1'] as const

export function createProcessValues(): ProcessValues {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  return {
    cpuSeconds() {
      const { user, system } = process.cpuUsage()
      return { user: user / 1e6, system: system / 1e6 }
    },
    memory: () => process.memoryUsage(),
    openFds: () => fromProc(() => readdirSync('/proc/self/fd').length),
    maxFds: () =>
      fromProc(() =>
        Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Number.NaN)
      ),
    startTimeSeconds: () => Math.round(performance.timeOrigin) / 1000,
    eventLoopDelay() {
      const found = quantiles.map((quantile) => ({ quantile, seconds: delayAt(delay, Number(quantile)) }))
      delay.reset()
      return found
    },
    close: () => {
      delay.disable()
    }
  }
}

/** The histogram holds the distance of two samples; what is over the resolution is the delay. */
function delayAt(delay: ReturnType<typeof monitorEventLoopDelay>, quantile: number): number {
  if (delay.count === 0) return 0
  return Math.max(0, delay.percentile(quantile * 100) / 1e9 - resolutionMs / 1000)
}

function fromProc(read: () => number): number | undefined {
  try {
    const value = read()
    return Number.isNaN(value) ? undefined : value
  } catch {
    return undefined
  }
}
