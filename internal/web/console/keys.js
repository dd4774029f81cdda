// The keys that callers show, and the tenants they belong to.

import { el } from '../chat/render.js';
import { call, chosen, get, post } from './api.js';
import { announce, button, choice, empty, field, form, pair, sure, table, when, word } from './parts.js';

export async function keys({ who, signal, again }) {
  const secret = el('div', { tabindex: '-1' });
  const list = el('div', {});
  const fill = async () => {
    const { keys: all } = await get('v1/keys', { signal });
    list.replaceChildren(all.length ? table('keys', ['nameOf', 'tenant', 'role', 'state', 'created', 'undo'], all.map((key) => row(key, show, fill))) : empty('noKeys'));
  };
  const show = async (made) => {
    secret.replaceChildren(once(made));
    secret.focus();
    announce(el('span', { 'data-text': 'keyMade' }));
    await fill();
  };
  const [{ tenants }] = await Promise.all([get('v1/tenants', { signal }), fill()]);
  const box = (key, ...content) => el('details', { class: 'card-box' }, el('summary', { 'data-text': key }), ...content);
  return [
    secret, box('newKey', newKey(tenants, chosen() || who.tenant, show)), list,
    box('newTenant', el('p', { class: 'hint', 'data-text': 'tenantHint' }), newTenant(again)),
  ];
}

function newKey(tenants, mine, show) {
  return form({ class: 'inline' }, async ({ tenant, name, role, days }, node) => {
    const expires = days ? new Date(Date.now() + Number(days) * 86400e3).toISOString() : undefined;
    await show(await post('v1/keys', { tenant, name, role, ...(expires && { expires_at: expires }) }));
    node.reset();
  },
  field('tenant', choice('tenant', tenants.map(({ id }) => [id, id]), mine)),
  field('role', choice('role', [['ask', 'role_ask'], ['widget', 'role_widget'], ['operator', 'role_operator'], ['admin', 'role_admin']])),
  field('nameOf', el('input', { name: 'name', autocomplete: 'off' })),
  field('expires', choice('days', [['', 'never'], ['30', 'days30'], ['90', 'days90'], ['365', 'days365']])),
  el('button', { class: 'send', 'data-text': 'makeKey' }));
}

function newTenant(again) {
  return form({ class: 'inline' }, async ({ id, name }) => {
    await post('v1/tenants', { id, ...(name && { name }) });
    again();
  },
  field('tenantID', el('input', { name: 'id', required: '', pattern: '[a-z0-9][a-z0-9_\\-]{0,62}', autocomplete: 'off' })),
  field('nameOf', el('input', { name: 'name', autocomplete: 'off' })), el('button', { class: 'send', 'data-text': 'makeTenant' }));
}

/** once shows the secret of a key that was just made, and of a website's key what is done with it. */
function once(made) {
  const tag = `<script async src="${new URL('widget.js', location.href)}" data-key="${made.key}"></script>`;
  return el('div', { class: 'success', 'data-notices': '' }, ...toCopy('keyOnce', made.key),
    ...(made.role === 'widget' ? toCopy('widgetTag', tag) : []), ...(made.signing_secret ? toCopy('signingSecret', made.signing_secret) : []));
}

/** toCopy is a text with what it is for. */
function toCopy(key, content) {
  const copy = button('copy', async () => {
    await navigator.clipboard.writeText(content);
    announce(el('span', { 'data-text': 'copied' }));
  });
  const can = Boolean(navigator.clipboard); // not outside https and this machine
  return [el('p', { 'data-text': key }), el('p', {}, el('code', {}, content)), can ? el('div', { class: 'row' }, copy) : ''];
}

function row(key, show, fill) {
  const ended = key.revoked_at || (key.expires_at && new Date(key.expires_at) < new Date());
  const state = key.revoked_at ? 'revoked' : ended ? 'expired' : 'live';
  const rotate = button('rotate', () => sure([el('span', { 'data-text': 'sureRotate' }), ` “${key.name}”`], 'rotate', async () => {
    await show(await post(`v1/keys/${key.id}/rotate`, {}));
  }));
  const revoke = button('revoke', () => sure([el('span', { 'data-text': 'sureRevoke' }), ` “${key.name}”`], 'revoke', async () => {
    await call('DELETE', `v1/keys/${key.id}`);
    await fill();
  }), { class: 'danger' });
  return [
    [el('span', { class: 'title' }, key.name), el('code', { class: 'path' }, `${key.prefix}…`)],
    key.tenant,
    word('role', key.role),
    [el('span', { class: `state ${ended ? 'failed' : 'ready'}` }, word('key', state)), key.expires_at && !ended ? pair('expires', when(key.expires_at)) : ''],
    when(key.created_at),
    ended ? '–' : el('div', { class: 'row' }, rotate, revoke),
  ];
}
