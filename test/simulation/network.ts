import { GatewayError } from '../../src/lib/gateway-error.ts'
import type { Actor, Scheduler } from './scheduler.ts'

export type Service = 'redis' | 'bus'

export interface NetworkFaults {
  /** Probability that a request runs into its timeout although nobody is cut off. */
  timeoutChance: number
  /** Milliseconds that a message takes at most. */
  delayMsMax: number
}

export const requestTimeoutMs = 1_000

/** Who reaches whom. A request that times out may have been carried out, also after the timeout. */
export class Network {
  readonly #scheduler: Scheduler
  readonly faults: NetworkFaults = { timeoutChance: 0, delayMsMax: 8 }
  readonly #cut = new Set<string>()
  /** For the invariants that hold only while the registry is there. */
  redisWasAway = false

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }

  cut(node: string, service: Service): void {
    this.#cut.add(`${node} ${service}`)
    if (service === 'redis') this.redisWasAway = true
    this.#scheduler.say(`network: ${node} is cut off ${service}`)
  }

  mend(node: string, service: Service): void {
    if (this.#cut.delete(`${node} ${service}`)) this.#scheduler.say(`network: ${node} reaches ${service} again`)
  }

  reaches(node: string, service: Service): boolean {
    return !this.#cut.has(`${node} ${service}`)
  }

  /** One atomic step at the service and the way there and back. */
  request<T>(node: string, actor: Actor, service: Service, world: Actor, step: () => T): Promise<T> {
    const { random } = this.#scheduler
    return new Promise((resolve, reject) => {
      let isOver = false
      const end = (settle: () => void) => {
        if (isOver) return
        isOver = true
        settle()
      }
      this.#scheduler.after(requestTimeoutMs, actor, () =>
        end(() => reject(new GatewayError('registry_unavailable', `${service} did not answer`, { canRetry: true })))
      )
      const isLost = !this.reaches(node, service) || random.chance(this.faults.timeoutChance)
      if (isLost && service === 'redis') this.redisWasAway = true
      // Lost on the way there, or on the way back, or carried out when nobody waits for it any more.
      if (isLost && random.chance(0.5)) return
      const thereMs = isLost ? random.between(0, 2 * requestTimeoutMs) : this.#delayMs()
      // The service carries out what is on its way also when the sender dies meanwhile.
      this.#scheduler.after(thereMs, world, () => {
        let answer: { readonly value: T } | { readonly error: unknown }
        try {
          answer = { value: step() }
        } catch (error) {
          answer = { error }
        }
        if (isLost || !this.reaches(node, service)) return
        this.#scheduler.after(this.#delayMs(), actor, () =>
          end(() => ('value' in answer ? resolve(answer.value) : reject(answer.error)))
        )
      })
    })
  }

  #delayMs(): number {
    const { random } = this.#scheduler
    return random.between(0, random.chance(0.05) ? 10 * this.faults.delayMsMax : this.faults.delayMsMax)
  }
}
