import type { Counter, Metrics } from '../ports/metrics.ts'
import type { FrameLabel, Oddity } from '../session/effect.ts'
import type { RefusalCode } from './refusals.ts'

/** The metrics of the message path, with their handles made once: counting is one addition and one map look-up at most. */
export class GatewayCounters {
  readonly #metrics: Metrics
  readonly #handles = new Map<string, Counter>()
  readonly #answeredOk: Counter
  readonly #results: Counter

  constructor(metrics: Metrics) {
    this.#metrics = metrics
    this.#answeredOk = metrics.counter('calls_answered_total', { code: 'ok' })
    this.#results = metrics.counter('frames_sent_total', { kind: 'call_result' })
  }

  sent(frame: FrameLabel): void {
    if (frame.kind === 'call_result') {
      this.#results.inc()
      this.#answeredOk.inc()
      return
    }
    this.#handle(frame.kind, () => this.#metrics.counter('frames_sent_total', { kind: frame.kind })).inc()
    const { code } = frame
    if (frame.kind === 'call_error' && code) {
      this.#handle(`code ${code}`, () => this.#metrics.counter('calls_answered_total', { code })).inc()
    }
  }

  oddity(what: Oddity, n: number): void {
    this.#handle(`odd ${what}`, () => this.#metrics.counter('oddities_total', { what })).inc(n)
  }

  decided(decidedBy: string): void {
    this.#handle(`by ${decidedBy}`, () =>
      this.#metrics.counter('authority_decisions_total', { decided_by: decidedBy })
    ).inc()
  }

  refused(reason: RefusalCode): void {
    this.#handle(`refused ${reason}`, () => this.#metrics.counter('connections_refused_total', { reason })).inc()
  }

  settled(outcome: string, reason: string): void {
    this.#handle(`settled ${outcome} ${reason}`, () =>
      this.#metrics.counter('commands_total', { outcome, reason })
    ).inc()
  }

  #handle(key: string, make: () => Counter): Counter {
    const known = this.#handles.get(key)
    if (known) return known
    const made = make()
    this.#handles.set(key, made)
    return made
  }
}
