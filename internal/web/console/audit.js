// Who changed what, when.

import { get } from './api.js';
import { empty, table, when } from './parts.js';
import { el } from '../chat/render.js';

export async function audit({ signal }) {
  const { entries } = await get('v1/audit', { query: { limit: 200 }, signal });
  if (!entries.length) return [empty('noAudit')];
  return [
    el('p', { class: 'lead', 'data-text': 'auditLead' }),
    table('audit', ['did', 'author', 'tenant', 'on', 'at'], entries.map((e) => [
      [el('span', { class: 'title' }, e.action), el('span', { class: 'path' }, e.detail)], e.actor, e.tenant, e.target || '–', when(e.at),
    ])),
  ];
}
