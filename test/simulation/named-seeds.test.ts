import { deepStrictEqual, ok } from 'node:assert'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { runSeed } from './run-seed.ts'

interface Story {
  readonly seed: number
  readonly story: string
  /** The test that fails without the mend, by its file below `test/gateway` and its name. */
  readonly provenBy: readonly [file: string, name: string]
}

const ledger = 'cluster/ledger.test.ts'
const loss = 'cluster/ledger-loss.test.ts'

/**
 * Histories that broke a promise when the simulation found it, by what was wrong. Every change of the order of steps makes another
 * history of a seed, so none of them needs to show its bug today: they are run because they once were unlucky, and the bug is
 * proven to be gone by the test that is named.
 */
const stories: readonly Story[] = [
  {
    seed: 2,
    story: 'a command that another node handed over was marked written in the shared ledger and refused by the own one',
    provenBy: [ledger, 'a command that was handed over is on the own disk before it is marked as written']
  },
  {
    seed: 10,
    story:
      'a node that stood still was taken for lost, went on, and its sessions ended a second time with another event id',
    provenBy: [
      'cluster/lost-epochs.test.ts',
      'what another node tells as lost and what the own node tells of the same end are two events'
    ]
  },
  {
    seed: 8,
    story: 'a claim that was carried out after its timeout belonged to a living node that knew nothing of it',
    provenBy: [ledger, 'a claim that was not answered is asked for until it cannot be carried out any more']
  },
  {
    seed: 121,
    story: 'a hand-over that came twice was settled as not_sent by the second, after the first was written',
    provenBy: [ledger, 'a command that was handed over is on the own disk before it is marked as written']
  },
  {
    seed: 178,
    story: 'a node found its own command abandoned, since its lease had been lost, and settled what its session wrote',
    provenBy: [
      'cluster/settlement.test.ts',
      'what a session of this node looks after is left to it, though its lease was lost'
    ]
  },
  {
    seed: 137,
    story: 'the ledger was emptied after an outcome, and the same command by API was taken for a new one',
    provenBy: [loss, 'an emptied ledger is told each outcome, claim and hand-over that this node keeps']
  },
  {
    seed: 85,
    story: 'a claim that was carried out after its timeout put an epoch in the registry that no session had',
    provenBy: [
      'cluster/registry.test.ts',
      'a claim that was not answered may be carried out late, so its epoch is adopted once more when that is over'
    ]
  },
  {
    seed: 412,
    story: 'an abandoned handshake fenced the living session in the own registry for ever',
    provenBy: ['hub.test.ts', 'a handshake that is abandoned gives the ownership back to the connection that lives']
  },
  {
    seed: 259,
    story: 'the claimant died between the hand-over and its own note of it, and nobody ended the command',
    provenBy: [
      'cluster/leftover.test.ts',
      'claimed by another node: its own when this one was away, in doubt when that one had it before the loss'
    ]
  },
  {
    seed: 491,
    story: 'a late handshake displaced the living connection, its eviction was lost, and the registry had nobody',
    provenBy: ['cluster/registry.test.ts', 'an eviction is said again until it is acknowledged, five times at most']
  },
  {
    seed: 960,
    story: 'a command that was handed over and written was not_sent after the ledger had lost its data',
    provenBy: ['cluster/leftover.test.ts', 'what the ledger lost was not sent, unless another node had it']
  },
  {
    seed: 1474,
    story: 'a sweep forgot a claim in doubt that was claimed anew while it was looked at',
    provenBy: [loss, 'a claim in doubt that is claimed anew while a sweep looks at it is left to whoever has it then']
  },
  {
    seed: 241,
    story: 'a command was claimed anew, and written again, before every node had told an emptied ledger what it knew',
    provenBy: [
      loss,
      'a claim waits until every node has told an emptied ledger what it knows, and what was told meanwhile stands'
    ]
  },
  {
    seed: 3,
    story: 'an emptied ledger was not told of the commands that the nodes keep',
    provenBy: [loss, 'an emptied ledger is told each outcome, claim and hand-over that this node keeps']
  },
  {
    seed: 470,
    story: 'an outcome whose win was not answered was left to a sweep that the emptied ledger never made',
    provenBy: [loss, 'an end that was won without an answer is published, also when the ledger forgets it again']
  },
  {
    seed: 787,
    story: 'a claim on no disk was known to the ledger alone while another node let the bus forget it',
    provenBy: [
      ledger,
      'a command that another node has claimed is on this disk too before anybody is told that it exists'
    ]
  },
  {
    seed: 1609,
    story: 'an eviction between a claim and its connection was taken for done',
    provenBy: ['cluster/registry.test.ts', 'what another node has taken over is doubted also before it is a connection']
  },
  {
    seed: 107,
    story: "the end of a dead node's command was on no disk, and after a loss the command ended anew",
    provenBy: [
      loss,
      "the end of another node's command comes to this disk with its event, and an emptied ledger is told of it"
    ]
  },
  {
    seed: 931,
    story:
      'a node that had stood still told an outcome before the one that had ended its command could tell an emptied ledger',
    provenBy: [loss, 'an outcome waits for what others are about to tell an emptied ledger that']
  },
  {
    seed: 224,
    story: "what had ended was asked for in vain, noted as another node's, and ended anew after the next loss",
    provenBy: [loss, 'what has ended here is told to an emptied ledger when it was asked for in vain']
  },
  {
    seed: 620,
    story: 'what came back as a hand-over before it was confirmed was queued twice, written and told as not_sent',
    provenBy: [
      ledger,
      'a command of the bus that came back as a hand-over before it was confirmed is in one queue, also when it expires'
    ]
  },
  {
    seed: 1588,
    story:
      'what an earlier life had handed over was taken over from a dead node, was on no disk then, and had no outcome',
    provenBy: [
      ledger,
      'a command that an earlier life had handed over is claimed, and kept, when it is taken over from a dead node'
    ]
  },
  {
    seed: 1877,
    story: "an end that was won without an answer was taken for another node's, and nobody published it",
    provenBy: [loss, 'an end that was won without an answer is published, also when the ledger forgets it again']
  },
  {
    seed: 663,
    story: 'an end that came to the ledger after its node had died was taken for published by its next life',
    provenBy: [loss, 'what an earlier life settled with its last breath is published by the next one, once']
  },
  {
    seed: 945,
    story: 'two nodes ended one command while the ledger lost its data, and both were told that they had won',
    provenBy: [loss, 'an outcome waits for what others are about to tell an emptied ledger that']
  },
  {
    seed: 1234,
    story: "another node's end was told as the own one, taken for published, and forgotten with the next loss",
    provenBy: [
      loss,
      "what another node has ended is told as that node's however often, and is not said to be published"
    ]
  },
  {
    seed: 2563,
    story: 'the row of a command that had its outcome was put back to written',
    provenBy: [ledger, 'a claim of the bus that its own session has written meanwhile leaves the row alone']
  },
  {
    seed: 362,
    story: 'a command that ended while it was told to an emptied ledger as open stayed open there',
    provenBy: [loss, 'what ends while it is told to an emptied ledger as open is told as ended too']
  },
  {
    seed: 1436,
    story: 'an end that was on its way to a full disk was told as published, and its node stopped without it',
    provenBy: [loss, 'an end that is not on this disk yet is told to an emptied ledger, but not as published']
  },
  {
    seed: 2240,
    story: 'a claim that waited put the row of a command that had come back and ended to claimed again',
    provenBy: [loss, 'what came back here and has ended is not noted as with the node that had it a moment ago']
  },
  {
    seed: 2292,
    story: 'a command came back from a node that stopped, and a sweep told as not sent what its session had written',
    provenBy: [ledger, 'a command that comes back from a hand-over in vain is left to the session that writes it here']
  },
  {
    seed: 2545,
    story: 'a node that had been cut off wrote what another one had ended and could no longer tell, being dead',
    provenBy: [loss, 'what another node may have ended before a loss is not written, nor told as not sent']
  },
  {
    seed: 2080,
    story: 'a sweep got no answer to an end, took it for published, and nobody published it',
    provenBy: [loss, "an end of another node's command that was won without an answer is published"]
  },
  {
    seed: 2062,
    story: 'what was accepted was told as not sent by the stop of its node, when an emptied ledger took it for open',
    provenBy: [loss, 'what has ended here ends no other way when others tell an emptied ledger that it has not']
  },
  {
    seed: 4445,
    story: 'who had marked a command and not written it could not tell so, because another one had told of the mark',
    provenBy: [
      '../contract/cluster-ledger.ts',
      'what a node marked and did not write is told as not sent, though another one has told of its mark'
    ]
  },
  {
    seed: 1478,
    story: 'a stop that a full disk made too short called what it left behind a mistake of the gateway',
    provenBy: [
      'drain.test.ts',
      'what a log that closes leaves behind is a mistake, but for the end of a stop that was too short for it'
    ]
  },
  {
    seed: 24,
    story:
      'a command was given to all nodes at once, and the hand-over to its owner was lost in the note that another one has it',
    provenBy: [
      'cluster/ledger.test.ts',
      'a hand-over that comes while a note of the same command is on its way to the disk is taken'
    ]
  }
]

for (const { seed, story, provenBy } of stories) {
  test(`seed ${seed}: ${story}`, async () => {
    const { broken } = await runSeed(seed)
    deepStrictEqual(broken, [])
    const [file, name] = provenBy
    const text = readFileSync(new URL(`../gateway/${file}`, import.meta.url), 'utf8')
    ok(text.includes(name), `${file} has no test "${name}"`)
  })
}
