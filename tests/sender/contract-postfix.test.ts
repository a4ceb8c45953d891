/** The contract, asked of the real Postfix through the SQLite map and the socketmap. */
import t from 'tap';
import { senderContract } from './contract.ts';
import { postfix } from './subjects.ts';

t.test('postfix-sqlite', async (t) => senderContract(t, await postfix(t, 'sqlite')));
t.test('socketmap', async (t) => senderContract(t, await postfix(t, 'socketmap')));
