#!/usr/bin/env node
import { nodeProblem } from './node-version.ts'

// Everything else is imported only once Node is known to be new enough to read it.
const problem = nodeProblem(process.versions.node)
if (problem === undefined) {
  const { runProcess } = await import('./run-process.ts')
  await runProcess()
} else {
  console.error(problem)
  process.exitCode = 1
}
