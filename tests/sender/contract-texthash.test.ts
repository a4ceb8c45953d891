/** The contract, asked of the real Postfix through a text file. */
import t from 'tap';
import { senderContract } from './contract.ts';
import { postfix } from './subjects.ts';

t.test('texthash', async (t) => senderContract(t, await postfix(t, 'texthash')));
