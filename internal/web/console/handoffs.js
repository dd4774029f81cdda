// The customers whom answers sent to a person, and who looks after them.

import { el, link, page as webpage } from '../chat/render.js';
import { call, get } from './api.js';
import { announce, button, choice, empty, field, form, number, pair, person, when, word } from './parts.js';

const states = ['open', 'taken', 'resolved'];

export async function handoffs({ id, signal }) {
  return id ? one(id, signal) : all(signal);
}

async function all(signal) {
  const place = el('div', {});
  const load = async (state) => {
    const first = await get('v1/handoffs', { query: { state }, signal });
    const list = el('ul', { class: 'cards' }, ...first.data.map(card));
    place.replaceChildren(...(first.data.length ? [list, more(first, list, state, signal)] : [empty('noHandoffs')]));
  };
  await load('open');
  const filter = choice('state', [...states.map((s) => [s, `handoff_${s}`]), ['', 'anyState']], 'open');
  return [
    el('p', { class: 'lead', 'data-text': 'handoffsLead' }),
    form({ class: 'inline' }, ({ state }) => load(state), field('state', filter), el('button', { class: 'send', 'data-text': 'showThem' })),
    place,
  ];
}

function more(page, list, state, signal) {
  const node = el('div', { class: 'row', 'data-notices': '' });
  if (!page.has_more) return node;
  node.append(button('more', async () => {
    const next = await get('v1/handoffs', { query: { state, cursor: page.next_cursor }, signal });
    list.append(...next.data.map(card));
    node.replaceWith(more(next, list, state, signal));
  }));
  return node;
}

const speaks = (h) => ({ lang: h.lang === 'zh' ? 'zh-CN' : 'en' });
const badge = (h) => el('span', { class: `state ${{ open: 'abstained', resolved: 'ready' }[h.state] ?? ''}` }, word('handoff', h.state));

/** card is one handoff in the list; what is done to it shows in its place. */
function card(h) {
  const node = el('li', { class: 'card-box', tabindex: '-1' });
  fill(node, h, () => [
    el('h3', speaks(h), el('a', { href: `#/handoffs/${encodeURIComponent(h.answer_id)}` }, h.question)), facts(h)]);
  return node;
}

/** fill shows a handoff with what can be done to it, and again once that is done. */
function fill(node, h, content) {
  const act = (key, state) => button(key, async () => {
    Object.assign(h, await call('PATCH', `v1/handoffs/${encodeURIComponent(h.answer_id)}`, { body: { state } }));
    fill(node, h, content);
    node.focus();
    announce(word('handoff', h.state));
  });
  const can = { open: [act('take', 'taken'), act('resolve', 'resolved')], taken: [act('resolve', 'resolved'), act('reopen', 'open')], resolved: [act('reopen', 'open')] };
  node.replaceChildren(...content(), el('div', { class: 'row' }, ...(can[h.state] ?? [])));
}

const facts = (h) => el('p', { class: 'pairs' }, badge(h), pair('reason', word('handoff', h.reason)), pair('askedAt', when(h.asked_at)),
  pair('user', person(h.user_id)), ...(h.askings > 1 ? [pair('givenTimes', number(h.askings)), pair('lastAsked', when(h.last_asked_at))] : []),
  h.webhook ? pair('webhook', word('webhook', h.webhook)) : '', h.handled_by ? pair('handledBy', h.handled_by, ' ', when(h.handled_at)) : '');

async function one(id, signal) {
  const h = await get(`v1/handoffs/${encodeURIComponent(id)}`, { signal });
  const node = el('div', { class: 'card-box', tabindex: '-1' });
  fill(node, h, () => [el('h3', speaks(h), h.question), facts(h), offered(h.contact)]);
  const turns = h.turns.length ? h.turns : [h]; // outside a conversation there is only what was asked
  return [
    el('p', {}, el('a', { href: '#/handoffs', 'data-text': 'allHandoffs' })),
    node,
    el('h3', { 'data-text': 'saidBefore' }),
    el('ol', { class: 'cards' }, ...turns.map((t) => el('li', { class: 'card-box' },
      el('p', { class: 'asks' }, t.question), el('blockquote', {}, t.answer),
      el('p', { class: 'pairs' }, when(t.at ?? t.asked_at), el('a', { href: `#/answers/${encodeURIComponent(t.answer_id)}`, 'data-text': 'how' }))))),
  ];
}

/** offered is how the customer was told to reach a person. */
const offered = (c) => el('p', { class: 'pairs' }, pair('offered', c.message), c.url ? webpage(c.url, c.url) : '',
  c.email ? link(`mailto:${c.email}`, c.email, 'mailto:') : '', c.phone ? link(`tel:${c.phone}`, c.phone, 'tel:') : '');
