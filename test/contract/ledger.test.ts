import { openTemporaryEmbedded } from '../support/embedded.ts'
import { ledgerContract } from './ledger.ts'

ledgerContract('embedded', () => openTemporaryEmbedded())
