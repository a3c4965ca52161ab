import { openTemporaryEmbedded } from '../support/embedded.ts'
import { directoryContract } from './directory.ts'

directoryContract('embedded', () => openTemporaryEmbedded())
