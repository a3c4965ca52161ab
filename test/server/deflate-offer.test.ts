import { strictEqual } from 'node:assert'
import { test } from 'node:test'
import { acceptableDeflateOffer } from '../../src/server/deflate-offer.ts'

const offers: readonly (readonly [why: string, header: string | undefined, accepted: string | undefined])[] = [
  ['none', undefined, undefined],
  ['plain', 'permessage-deflate', 'permessage-deflate'],
  ['as browsers offer it', 'permessage-deflate; client_max_window_bits', 'permessage-deflate; client_max_window_bits'],
  [
    'the first that can be served',
    'permessage-deflate;server_max_window_bits=9, permessage-deflate;server_max_window_bits="12"',
    'permessage-deflate; server_max_window_bits="12"'
  ],
  ['behind another extension', 'x-webkit-deflate-frame, permessage-deflate', 'permessage-deflate'],
  ['a window smaller than ours', 'permessage-deflate; server_max_window_bits=10', undefined],
  ['an unknown parameter', 'permessage-deflate; level=9', undefined],
  ['a parameter twice', 'permessage-deflate; client_max_window_bits; client_max_window_bits', undefined],
  ['a value where none belongs', 'permessage-deflate; server_no_context_takeover=1', undefined],
  ['a window that does not exist', 'permessage-deflate; client_max_window_bits=99', undefined],
  ['rubbish', '=;,"', undefined]
]
for (const [why, header, accepted] of offers)
  test(`a compression offer: ${why}`, () => strictEqual(acceptableDeflateOffer(header), accepted))
