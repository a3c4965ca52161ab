import { deepStrictEqual } from 'node:assert'
import { test } from 'node:test'
import { missingTests, type NamedTest } from './support/named-tests.ts'

// What real charge points do, and the test that shows that it is borne.

const own = 'session/quirks.test.ts'
const quirks: Readonly<Record<number, readonly NamedTest[]>> = {
  11: [['gateway/hub.test.ts', 'the newest connection wins at once, and the old one is closed as replaced']],
  12: [['server/hostile.test.ts', 'a bad frame costs its own connection alone, and the peer is told: … (rule 12)']],
  13: [['session/answers.test.ts', 'quirk 13: empty frames are counted, never answered and never a reason to close']],
  14: [['session/commands.test.ts', 'quirk 14: a truncated answer fails its CALL at once, when its id can be read']],
  15: [['session/answers.test.ts', 'quirk 15: a null payload is an empty one']],
  16: [['session/commands.test.ts', 'quirk 16: a CALLERROR of four elements or with null details is one too']],
  17: [
    [own, 'quirk 17: a transaction message with a too long or numeric id is accepted, its id echoed, also when strict'],
    ['session/answers.test.ts', 'D5 a numeric message id is echoed as a number, and flagged']
  ],
  18: [
    [
      'session/answers.test.ts',
      'D3 an unknown message type is ignored on 1.6 and 2.1, and MessageTypeNotSupported on 2.0.1'
    ]
  ],
  19: [
    ['session/replay.test.ts', 'quirk 19: the same id with another payload is a new CALL'],
    ['session/replay.test.ts', 'quirk 19: the same id on a later connection is a new CALL']
  ],
  20: [[own, 'quirk 20: a transaction message that is retried under a new id is the same fact']],
  21: [['session/commands.test.ts', 'quirk 21: a CALLRESULT for an unknown id is counted and never answered']],
  22: [[own, 'quirk 22: a station that talks instead of answering us is answered, and its answer still counts']],
  23: [
    [own, 'quirk 23: no time that a station writes is a reason to refuse its transaction'],
    ['events/device-time.test.ts', 'a clock that was never set, or is a day ahead, is implausible and still told']
  ],
  24: [['session/answers.test.ts', 'C5 every time that the gateway answers has milliseconds and Z']],
  25: [
    [
      'session/answers.test.ts',
      'quirk 25: a number that came as a string is one for the row, and stands in raw as it came'
    ]
  ],
  26: [[own, 'quirk 26: a unit and a context outside the lists are passed on, flagged']],
  27: [[own, 'quirk 27: an empty sampledValue, a long serial and unknown members are no reason to refuse']],
  28: [
    [own, 'quirk 28: a station that comes back without a BootNotification is served at once'],
    ['session/registration.test.ts', 'D6 without a decision on record, 1.6 is asked for a BootNotification, once']
  ],
  30: [[own, 'quirk 30: a queue of days with transactions that nobody knows is taken whole, orphans flagged']],
  31: [
    ['events/forgiven.test.ts', '…: whatever is wrong and forgiven in a payload, its events and its answer are valid']
  ],
  32: [[own, 'quirk 32: commands of a connection die with it, so that a flapping station meets no burst of them']],
  33: [
    [own, 'quirk 33: a burst of messages after an outage is answered whole, in order'],
    [
      'gateway/hub.test.ts',
      'sockets that wait for the log are let go longest first, no more at a time than there is room'
    ]
  ],
  34: [[own, 'quirk 34: an id tag of more than 20 characters starts a transaction, flagged']],
  35: [['protocol/errors.test.ts', 'every spelling of every version is understood, whoever sends it']],
  36: [[own, 'quirk 36: a report of half a megabyte is a report']]
}

test('every quirk that costs nothing is borne, and the test that shows it exists', () => {
  const numbers = Object.keys(quirks).map(Number)
  const wanted = Array.from({ length: 26 }, (_, n) => n + 11).filter((n) => n !== 29)
  deepStrictEqual(numbers, wanted)
  deepStrictEqual(missingTests(Object.values(quirks).flat()), [])
})

test('a test that does not exist is missed', () => {
  deepStrictEqual(missingTests([[own, 'quirk 20: a transaction message']]), [`${own}: quirk 20: a transaction message`])
})
