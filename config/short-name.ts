/** What a site names its mail servers and its programs by: in the configuration, in the table, in the trail. */
export const SHORT_NAME = /^[a-z0-9-]{1,30}$/;

/** For people. */
export const SHORT_NAME_IS = '1 to 30 of a-z 0-9 -';
