import { deepStrictEqual } from 'node:assert'
import { test } from 'node:test'
import { runSeed } from './run-seed.ts'

/**
 * Histories that have broken a promise once, by what was wrong. A change of the simulation or of the order of steps makes
 * another history of a seed; the story then tells what to look for. Undoing the fix broke 2, 3, 7, 8, 121, 137 and 241 when
 * they were last looked at.
 */
const stories: readonly (readonly [seed: number, story: string])[] = [
  [2, 'a command that another node handed over was marked written in the shared ledger and refused by the own one'],
  [
    10,
    'a node that stood still was taken for lost, went on, and its sessions ended a second time with another event id'
  ],
  [8, 'a claim that was carried out after its timeout belonged to a living node that knew nothing of it'],
  [121, 'a hand-over that came twice was settled as not_sent by the second, after the first was written'],
  [178, 'a node found its own command abandoned, since its lease had been lost, and settled what its session wrote'],
  [137, 'the ledger was emptied after an outcome, and the same command by API was taken for a new one'],
  [85, 'a claim that was carried out after its timeout put an epoch in the registry that no session had'],
  [412, 'an abandoned handshake fenced the living session in the own registry for ever'],
  [259, 'the claimant died between the hand-over and its own note of it, and nobody ended the command'],
  [491, 'a late handshake displaced the living connection, its eviction was lost, and the registry had nobody'],
  [960, 'a command that was handed over and written was not_sent after the ledger had lost its data'],
  [1474, 'a sweep forgot a claim in doubt that was claimed anew while it was looked at'],
  [241, 'a command was claimed anew, and written again, before every node had told an emptied ledger what it knew'],
  [3, 'an emptied ledger was not told of the commands that the nodes keep'],
  [470, 'an outcome whose win was not answered was left to a sweep that the emptied ledger never made'],
  [787, 'a claim on no disk was known to the ledger alone while another node let the bus forget it'],
  [1609, 'an eviction between a claim and its connection was taken for done']
]

for (const [seed, story] of stories) {
  test(`seed ${seed}: ${story}`, async () => {
    const { broken } = await runSeed(seed)
    deepStrictEqual(broken, [])
  })
}
