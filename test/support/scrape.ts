/** What a gateway's `/metrics` told at one moment. */
export class Scrape {
  readonly #series: ReadonlyMap<string, number>

  constructor(text: string) {
    this.#series = new Map(
      text
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => {
          const end = line.lastIndexOf(' ')
          return [line.slice(0, end), Number(line.slice(end + 1))]
        })
    )
  }

  static async of(api: string): Promise<Scrape> {
    return new Scrape(await (await fetch(`${api}/metrics`)).text())
  }

  /** The value of a series as Prometheus writes it, `cpg_x{label="v"}`; 0 as long as it was never counted. */
  value(series: string): number {
    return this.#series.get(series) ?? 0
  }

  has(series: string): boolean {
    return this.#series.has(series)
  }

  /** The sum over all labels of a metric. */
  sum(name: string): number {
    let sum = 0
    for (const [series, value] of this.#series) if (series === name || series.startsWith(`${name}{`)) sum += value
    return sum
  }
}
