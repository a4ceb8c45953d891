/** What a mail server is called in the table and in the ledger where nobody has named it: the default of `[server] name`, and of the column. */
export const MAIN_SERVER = 'main';
