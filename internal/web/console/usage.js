// What was asked and spent, and the budgets that cap it.

import { el } from '../chat/render.js';
import { call, chosen, get } from './api.js';
import { button, choice, empty, field, form, number, pair, sure, table, usd, when, word } from './parts.js';

export async function usage({ who, signal, again }) {
  const place = el('div', {});
  const load = async (days) => place.replaceChildren(...report(await get('v1/usage', { query: { days }, signal })));
  await load('30');
  const filter = form({ class: 'inline' }, ({ days }) => load(days),
    field('days', choice('days', [['1', '1'], ['7', '7'], ['30', '30'], ['90', '90'], ['366', '366']], '30')),
    el('button', { class: 'send', 'data-text': 'showThem' }));
  return [filter, place, ...(who.role === 'admin' ? await budgets(who, signal, again) : [])];
}

const sum = (list, of) => list.reduce((total, item) => total + of(item), 0);

function report({ models, routes }) {
  if (!models.length && !routes.length) return [empty('noUsage')];
  return [
    el('p', { class: 'pairs totals' }, pair('answersGiven', number(sum(routes, (r) => r.answers))), pair('calls', number(sum(models, (m) => m.calls))),
      pair('failedCalls', sum(models, (m) => m.failed) || null), pair('tokens', number(sum(models, (m) => m.prompt_tokens + m.completion_tokens))),
      pair('cost', usd(sum(models, (m) => m.cost_usd)))),
    el('h3', { 'data-text': 'byRoute' }),
    table('byRoute', ['day', 'route', 'outcome', 'answersGiven', 'cost'], routes.map((r) => [
      r.day, word('route', r.route), word('outcome', r.outcome), number(r.answers), usd(r.cost_usd)])),
    el('h3', { 'data-text': 'byModel' }),
    table('byModel', ['day', 'model', 'calls', 'failedCalls', 'promptTokens', 'completionTokens', 'cost'], models.map((m) => [
      m.day, `${m.provider} · ${m.model}`, number(m.calls), number(m.failed), number(m.prompt_tokens), number(m.completion_tokens),
      m.unpriced ? [usd(m.cost_usd), ' + ', el('span', { 'data-text': 'unpriced' })] : usd(m.cost_usd)])),
  ];
}

async function budgets(who, signal, again) {
  const list = (await get('v1/budgets', { signal })).budgets;
  const set = form({ class: 'inline' }, async ({ cap, ...budget }) => {
    await call('PUT', 'v1/budgets', { body: { ...budget, tenant: chosen() || who.tenant, cap: Number(cap) } });
    again();
  },
  field('subject', choice('subject', [['tenant', 'subject_tenant'], ['key', 'subject_key'], ['user', 'subject_user']])),
  field('period', choice('period', [['day', 'period_day'], ['month', 'period_month']])),
  field('unit', choice('unit', [['usd', 'unit_usd'], ['tokens', 'unit_tokens']])),
  field('cap', el('input', { name: 'cap', type: 'number', min: '0', step: 'any', required: '' })),
  field('atCap', choice('at_cap', [['refuse', 'atcap_refuse'], ['cheaper', 'atcap_cheaper'], ['offline', 'atcap_offline']])),
  el('button', { class: 'send', 'data-text': 'setBudget' }));
  return [
    el('h3', { 'data-text': 'budgets' }),
    list.length ? table('budgets', ['tenant', 'subject', 'spentOf', 'atCap', 'resets', 'undo'], list.map((b) => budget(b, again))) : empty('noBudgets'),
    el('details', { class: 'card-box' }, el('summary', { 'data-text': 'newBudget' }), set),
  ];
}

function budget(b, again) {
  const amount = (n) => (b.unit === 'usd' ? usd(n) : number(n));
  return [
    b.tenant,
    [word('subject', b.subject), b.name ? ` ${b.name}` : ''],
    [el('meter', { min: 0, max: b.cap, high: b.cap * 0.8, value: b.spent + b.held, 'aria-hidden': 'true' }),
      el('span', { class: 'path' }, `${amount(b.spent)}${b.held ? ` + ${amount(b.held)}` : ''} / ${amount(b.cap)} `, word('unit', b.unit), ', ', word('period', b.period))],
    word('atcap', b.at_cap),
    when(b.resets_at),
    button('delete', () => sure([el('span', { 'data-text': 'sureBudget' })], 'delete', async () => {
      await call('DELETE', `v1/budgets/${b.id}`);
      again();
    }), { class: 'danger' }),
  ];
}
