// What happens in this process, as it happens. Nothing here is a text that
// somebody said: the events hold names, counts and times.

import { say } from '../chat/language.js';
import { el } from '../chat/render.js';
import { announce, button, choice, empty, failure, field, ms, number, pair, usd, word } from './parts.js';
import { answerLink, badge, clock, flow, path, savings } from './glance.js';
import { follow } from './follow.js';
import { Tally } from './tally.js';

const kinds = ['attempt', 'decision', 'breaker', 'cache', 'route', 'answer', 'budget', 'refused', 'guard', 'tool', 'publish', 'dependency'];
const mostRows = 200;
const drawEvery = 250; // ms
const announceEvery = 10000; // ms: whoever hears the page is told of what matters, not of each event

export async function live({ signal }) {
  const tally = new Tally();
  const tell = announcer(signal);
  const states = new Map();
  const bar = el('div', { class: 'pairs' });
  const stages = el('ol', { class: 'stages' });
  const flows = newestFirst('flows', flow);
  const saved = el('div', {});
  const rows = newestFirst('events', row);
  const kind = choice('kind', [['', 'anyState'], ...kinds.map((k) => [k, `ops_${k}`])]);
  const glance = el('div', { class: 'glance' }, stages, el('h3', { 'data-text': 'flows' }), flows.node, el('h3', { 'data-text': 'savings' }), saved);
  let link = { state: 'connecting' };
  let paused = null; // how many events there were when it was
  let cuts = 0;
  let drawing = 0;

  const draw = () => {
    drawing = 0;
    update(bar, status(link, tally, paused, cuts));
    glance.classList.toggle('stale', link.state !== 'live');
    if (paused !== null) return;
    update(stages, path(tally), flash);
    flows.show(tally.flows);
    update(saved, savings(tally));
    rows.show(tally.recent.filter((e) => !kind.value || e.kind === kind.value).slice(0, mostRows));
  };
  const soon = () => (drawing ||= setTimeout(draw, drawEvery));
  const heard = (event) => {
    const e = tally.hear(event);
    if (e.state && matters(states, e)) tell(e.name ? word('dep', e.name) : `${e.provider} · ${e.model}`, ': ', word(badges[e.kind], e.state));
    soon();
  };
  const stands = (now) => {
    if (now.state === 'lost' && link.state === 'live') cuts++;
    if (['live', 'lost', 'ended'].includes(now.state) && now.state !== link.state) tell(word('link', now.state));
    link = { since: new Date(), ...now };
    connect.hidden = !['lost', 'ended', 'refused'].includes(link.state);
    draw();
  };
  const connect = button('connectNow', () => reconnect(), { hidden: '' });
  const pause = button('pause', () => {
    paused = paused === null ? tally.total : null;
    pause.dataset.text = paused === null ? 'pause' : 'goOn';
    pause.textContent = say(pause.dataset.text);
    draw();
  });
  const reconnect = follow(signal, heard, stands);
  signal.addEventListener('abort', () => clearTimeout(drawing));
  kind.addEventListener('change', draw);
  return [
    el('p', { class: 'lead', 'data-text': 'liveLead' }),
    el('div', { class: 'row live-bar' }, bar, el('div', { class: 'row' }, pause, connect)),
    glance,
    el('h3', { 'data-text': 'events' }),
    el('div', { class: 'row' }, field('eventsOf', kind)),
    rows.node,
  ];
}

/** status says in one line whether what is shown is current. */
function status(link, tally, paused, cuts) {
  const tone = { live: 'ready', connecting: '', ended: 'abstained' }[link.state] ?? 'failed';
  return [
    el('span', { class: `state ${tone}` }, word('link', link.state)),
    link.state === 'lost' ? pair('againIn', `${number(Math.ceil(link.wait / 1000))} s`) : '',
    link.problem ? failure(link.problem) : '',
    pair(link.state === 'live' ? 'since' : 'asOf', clock(link.since)),
    pair('events', number(tally.total)),
    cuts ? pair('cuts', number(cuts)) : '',
    paused === null ? '' : el('span', { class: 'state abstained' }, word('link', 'paused')),
    paused === null ? '' : pair('meanwhile', number(tally.total - paused)),
  ].filter(Boolean);
}

/** matters tells whether a state has changed; the first that is told of is one where it is bad. */
function matters(states, e) {
  const of = [e.kind, e.name, e.provider, e.model, e.deployment].join(' ');
  const before = states.get(of);
  states.set(of, e.state);
  return before ? before !== e.state : !['up', 'closed'].includes(e.state);
}

/** update shows other content where it differs: what did not change keeps the focus. */
function update(node, content, changed = () => {}) {
  const now = [...node.children];
  content.forEach((next, i) => {
    if (now[i]?.isEqualNode(next)) return;
    if (now[i]) now[i].replaceWith(next);
    else node.append(next);
    changed(next);
  });
  now.slice(content.length).forEach((gone) => gone.remove());
}

/** flash lets a place light up for those who like things to move. */
function flash(node) {
  if (matchMedia('(prefers-reduced-motion: no-preference)').matches) node.animate({ borderColor: ['var(--accent)', 'var(--line)'] }, 800);
}

/** newestFirst is a list that leaves the nodes of what stays in their place, and makes those anew that have grown. */
function newestFirst(key, make) {
  const node = el('div', {});
  const list = el('ol', { class: 'cards', 'data-label': key });
  const made = new WeakMap();
  const nodeOf = (item) => {
    const known = made.get(item);
    if (known && known.steps === item.steps?.length) return known.node;
    made.set(item, { steps: item.steps?.length, node: make(item) });
    return made.get(item).node;
  };
  const show = (items) => {
    const wanted = items.map(nodeOf);
    const stays = new Set(wanted);
    [...list.children].filter((child) => !stays.has(child)).forEach((child) => child.remove());
    wanted.forEach((child, i) => {
      if (list.children[i] !== child) list.insertBefore(child, list.children[i] ?? null);
    });
    const shown = items.length ? list : empty(`no_${key}`);
    if (!node.firstChild?.isEqualNode(shown)) node.replaceChildren(shown);
  };
  return { node, show };
}

const badges = { attempt: 'failure', breaker: 'breaker', cache: 'look', answer: 'outcome', budget: 'budget', guard: 'action', tool: 'used', dependency: 'up' };
const reasons = { decision: 'failure', route: 'why', answer: 'handoff', refused: 'refusal', guard: 'rule' };

/** row is one event. */
function row(e) {
  const what = e.state ?? e.outcome;
  return el('li', { class: 'event' },
    el('span', { class: 'path' }, clock(e.at)), el('strong', {}, word('ops', e.kind)),
    el('span', { class: 'pairs' }, ...[
      what ? badge(badges[e.kind] ?? 'ops', what) : '', e.route ? word('route', e.route) : '', e.step ? word('step', e.step) : '',
      e.provider && e.model ? `${e.provider} · ${e.model}` : '', e.from ? `${e.from} → ${e.to}` : '', e.name ?? '', e.tier ? word('tier', e.tier) : '',
      e.reason ? pair('reason', word(reasons[e.kind] ?? 'ops', e.reason)) : '', pair('revision', e.revision), pair('attemptOf', e.attempt),
      e.latency_ms === undefined ? '' : ms(e.latency_ms * 1e6), pair('tokens', e.tokens), e.cost_usd ? usd(e.cost_usd) : '', e.saved_usd ? pair('saved', usd(e.saved_usd)) : '',
      e.tenant ? pair('tenant', e.tenant) : '', e.answer_id ? answerLink(e, e.answer_id) : '',
    ].filter(Boolean).map((part) => (part instanceof Node ? part : el('span', {}, part)))));
}

/** announcer tells those who hear the page the latest of what matters, now and then. */
function announcer(signal) {
  let latest = null;
  let waits = 0;
  let said = 0;
  signal.addEventListener('abort', () => clearTimeout(waits));
  return (...parts) => {
    latest = el('span', {}, ...parts);
    waits ||= setTimeout(() => {
      waits = 0;
      said = Date.now();
      announce(latest);
    }, Math.max(0, said + announceEvery - Date.now()));
  };
}
