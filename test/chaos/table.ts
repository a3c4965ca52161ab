import type { CaseReport } from './run-chaos.ts'

const heads = ['case', 'stations', 'answered', 'events', 'repeats', 'commands', 'silence s', 'recovered s', 'verdict']

/** The reports as a table for a terminal, and below each row its outcomes by kind. */
export function chaosTable(reports: readonly CaseReport[]): string {
  const rows = reports.map((report) => [
    report.name,
    String(report.stations),
    String(report.answered),
    String(report.events),
    String(report.repeats),
    String(report.commands),
    seconds(report.longestSilenceMs),
    seconds(report.recoveredMs),
    report.violations.length === 0 ? 'holds' : `${report.violations.length} BROKEN`
  ])
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join('  ')
  return [
    line(heads),
    ...rows.flatMap((row, n) => [line(row), `    ${outcomes(reports[n]?.outcomes ?? new Map())}`])
  ].join('\n')
}

function outcomes(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1)
}
