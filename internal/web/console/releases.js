// The states of the knowledge base, and going back to one.

import { el } from '../chat/render.js';
import { get, post } from './api.js';
import { button, empty, number, sure, table, when, word } from './parts.js';

const columns = ['revision', 'change', 'counts', 'author', 'at', 'undo'];

export async function releases({ signal, again }) {
  const first = await get('v1/releases', { signal });
  if (!first.data.length) return [empty('noReleases')];
  const newest = first.data[0].revision;
  const rows = (some) => some.map((r) => row(r, newest, again));
  const list = table('releases', columns, rows(first.data));
  return [el('p', { class: 'lead', 'data-text': 'releasesLead' }), list, more(first, list, rows, signal)];
}

function row(r, newest, again) {
  const back = button('rollback', () => sure([el('span', { 'data-text': 'sureRollback' }), ` ${r.revision}`], 'rollback', async () => {
    await post(`v1/releases/${r.revision}/rollback`);
    again();
  }));
  return [
    number(r.revision),
    [word('release', r.kind), ...(r.restored ? [` → ${r.restored}`] : []), el('span', { class: 'path' }, r.source)],
    `+${number(r.added)} ~${number(r.updated)} −${number(r.removed)}`,
    r.author || '–',
    when(r.at),
    r.revision === newest ? el('span', { class: 'hint', 'data-text': 'current' }) : back,
  ];
}

function more(page, list, rows, signal) {
  const node = el('div', { class: 'row', 'data-notices': '' });
  if (!page.has_more) return node;
  node.append(button('more', async () => {
    const next = await get('v1/releases', { query: { cursor: page.next_cursor }, signal });
    list.querySelector('tbody').append(...table('releases', columns, rows(next.data)).querySelectorAll('tbody tr'));
    node.replaceWith(more(next, list, rows, signal));
  }));
  return node;
}
