// The knowledge base: its documents, one of them, and new ones.

import { el, page } from '../chat/render.js';
import { call, get, post } from './api.js';
import { announce, button, empty, field, form, number, pair, sure, table, when, word } from './parts.js';

export async function documents({ id, signal, again }) {
  return id ? one(id, signal) : all(signal, again);
}

async function all(signal, again) {
  const [first, ...rest] = await Promise.all(['', 'queued', 'extracting', 'embedding', 'failed'].map((status) => get('v1/documents', { query: { status }, signal })));
  const known = new Set(first.data.map((d) => d.id)); // of which an earlier version is served
  const waiting = rest.flatMap((list) => list.data).filter((d) => !known.has(d.id));
  const list = table('documents', columns, [...waiting, ...first.data].map(row));
  return [uploader(again), waiting.length + first.data.length ? list : empty('noDocuments'), more(first, list, signal)];
}

const columns = ['document', 'status', 'chunks', 'updated'];

function row(d) {
  return [
    [el('a', { class: 'title', href: `#/documents/${encodeURIComponent(d.id)}` }, d.title || d.path), el('span', { class: 'path' }, `${d.source}: ${d.path}`)],
    [state(d)],
    number(d.chunks),
    d.updated_at ? when(d.updated_at) : '–',
  ];
}

function state(d) {
  return el('span', {}, el('span', { class: `state ${d.status}` }, word('status', d.status)),
    ...(d.reason ? [' ', el('span', { class: 'reason' }, d.reason)] : []), ...flag(d.flag));
}

const flag = (rule) => (rule ? [' ', el('span', { class: 'state flagged', title: rule }, el('span', { 'data-text': 'flagged' }), `: ${rule}`)] : []);

/** more loads the next page into the list. */
function more(page, list, signal) {
  const node = el('div', { class: 'row', 'data-notices': '' });
  if (!page.has_more) return node;
  node.append(button('more', async () => {
    const next = await get('v1/documents', { query: { cursor: page.next_cursor }, signal });
    list.querySelector('tbody').append(...table('documents', columns, next.data.map(row)).querySelectorAll('tbody tr'));
    node.replaceWith(more(next, list, signal));
  }));
  return node;
}

function uploader(again) {
  const files = el('input', { type: 'file', name: 'file', multiple: '', required: '', accept: '.md,.markdown,.html,.htm,.txt,.csv,.jsonl,.docx,.pdf' });
  const send = form({ class: 'upload' }, async (_, node) => {
    const { data } = await post('v1/documents', new FormData(node));
    await again(); // what failed is first in the list, with why
    announce(el('span', { 'data-text': data.some((d) => d.status === 'failed') ? 'someFailed' : 'uploaded' }));
  }, field('files', files), el('button', { class: 'send', 'data-text': 'upload' }));
  return el('details', { class: 'card-box' }, el('summary', { 'data-text': 'addDocuments' }), el('p', { class: 'hint', 'data-text': 'formats' }), send);
}

async function one(id, signal) {
  const d = await get(`v1/documents/${encodeURIComponent(id)}`, { query: { text: 'true' }, signal });
  const remove = button('delete', () => sure([el('span', { 'data-text': 'sureDelete' }), ` “${d.title || d.path}”`], 'delete', async () => {
    await call('DELETE', `v1/documents/${encodeURIComponent(id)}`);
    location.hash = '#/documents';
  }), { class: 'danger' });
  return [
    el('p', {}, el('a', { href: '#/documents', 'data-text': 'allDocuments' })),
    el('h3', {}, d.title || d.path),
    el('p', { class: 'pairs' }, pair('status', state(d)), pair('source', d.source), pair('path', d.path), pair('kind', word('kind', d.kind)),
      pair('languageOf', d.lang), pair('revision', d.revision), pair('size', `${number(d.bytes / 1024, 1)} KB`), d.updated_at ? pair('updated', when(d.updated_at)) : '',
      d.url ? pair('link', page(d.url, d.url)) : ''),
    el('div', { class: 'row' }, replacement(d), remove),
    el('h3', { 'data-text': 'chunksTitle' }),
    el('ol', { class: 'cards' }, ...(d.text ?? []).map(chunk)),
  ];
}

const chunk = (c) => el('li', { class: 'card-box' },
  el('p', { class: 'pairs' }, el('strong', {}, c.question || c.heading), pair('tokens', number(c.tokens)), ...flag(c.flag)),
  el('p', { class: 'passage' }, c.text));

/** replacement puts another file in a document's place. */
function replacement(d) {
  const file = el('input', { type: 'file', class: 'unseen', tabindex: '-1', 'data-label': 'replace' });
  const node = el('div', { 'data-notices': '' });
  const pick = button('replace', () => file.click());
  file.addEventListener('change', () => {
    const body = new FormData();
    body.append('file', file.files[0]);
    file.value = '';
    sure([el('span', { 'data-text': 'sureReplace' }), ` “${d.title || d.path}”`], 'replace', async () => {
      await call('PUT', `v1/documents/${encodeURIComponent(d.id)}`, { body });
      dispatchEvent(new Event('hashchange'));
    });
  });
  node.append(pick, file);
  return node;
}
