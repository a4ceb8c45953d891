/** A table that is a card a row on a phone, where each cell says which column it is of. The roles stay what they are whatever it is shown as. */
import { html } from 'hono/html';
import type { Html } from './page.ts';

export const headRow = (heads: readonly string[]): Html =>
  html`<thead role="rowgroup"><tr role="row">${heads.map((head) => html`<th scope="col" role="columnheader">${head}</th>`)}</tr></thead>`;

export const cell = (label: string, value: unknown): Html => html`<td role="cell" data-label="${label}">${value}</td>`;
