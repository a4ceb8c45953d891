/** The contract, asked of the real OpenSMTPD and the real Exim. */
import t from 'tap';
import { installExim } from '../../config/lab/exim.ts';
import { installOpenSmtpd } from '../../config/lab/opensmtpd.ts';
import { senderContract } from './contract.ts';
import { other } from './subjects.ts';

t.test('OpenSMTPD', async (t) => senderContract(t, await other(t, 'opensmtpd', installOpenSmtpd)));
t.test('Exim', async (t) => senderContract(t, await other(t, 'exim', installExim)));
