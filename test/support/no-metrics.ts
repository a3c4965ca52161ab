import type { Metrics } from '../../src/ports/metrics.ts'

const nothing = { inc: () => undefined, observe: () => undefined }

/** Metrics for tests of something else. */
export const noMetrics: Metrics = { counter: () => nothing, gauge: () => undefined, histogram: () => nothing }
