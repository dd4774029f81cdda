// The operators' console: who is signed in, and which section is shown. The
// part of the address behind the # names it, such as #/documents/doc_1.

import { showLanguage, switchLanguage } from '../chat/language.js';
import { el } from '../chat/render.js';
import { call, choose, chosen, get, Problem } from './api.js';
import { failure } from './parts.js';
import { linked, signIn } from './signin.js';
import { answers } from './answers.js';
import { audit } from './audit.js';
import { documents } from './documents.js';
import { gaps } from './gaps.js';
import { handoffs } from './handoffs.js';
import { keys } from './keys.js';
import { live } from './live.js';
import { releases } from './releases.js';
import { search } from './search.js';
import { usage } from './usage.js';
import './texts.js';

const sections = { gaps, handoffs, documents, releases, search, answers, usage, live, keys, audit };
const forAdmins = ['live', 'keys', 'audit'];

const main = document.getElementById('main');
const nav = document.querySelector('nav');
const out = document.getElementById('out');
let who = null;
let leaving = new AbortController(); // ends what the section before still loads

/** start shows the console to who is signed in, and how to sign in to all others. */
async function start() {
  const token = linked();
  if (token) return signIn(main, token, begin);
  try {
    await begin();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status !== 401) main.replaceChildren(failure(error));
  }
}

async function begin() {
  choose('');
  who = await get('v1/session');
  const name = await whose();
  const mine = Object.keys(sections).filter((name) => who.role === 'admin' || !forAdmins.includes(name));
  nav.replaceChildren(...mine.map((name) => el('a', { href: `#/${name}`, 'data-text': name })));
  document.getElementById('who').replaceChildren(name);
  nav.hidden = false;
  out.hidden = false;
  show();
}

/** whose names the tenant, and lets an administrator look at another. */
async function whose() {
  if (who.role !== 'admin') return el('span', { class: 'tenant' }, who.tenant);
  const { tenants } = await get('v1/tenants');
  if (tenants.length < 2) return el('span', { class: 'tenant' }, who.tenant);
  const select = el('select', { 'data-label': 'tenant' }, ...tenants.map(({ id }) => el('option', { value: id }, id)));
  select.value = who.tenant;
  select.addEventListener('change', () => {
    look(select.value);
    show();
  });
  return select;
}

const look = (tenant) => choose(tenant === who.tenant ? '' : tenant);

/** show runs the section that the address names. */
async function show() {
  if (!who) return;
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [, name, ...rest] = location.hash.split('/');
  const section = Object.hasOwn(sections, name) ? name : 'gaps';
  for (const link of nav.children) {
    const here = link.hash === `#/${section}`;
    if (!here) {
      link.removeAttribute('aria-current');
      continue;
    }
    link.setAttribute('aria-current', 'page');
    link.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    document.title = `${link.textContent} · Kefu 客服`;
  }
  const from = document.activeElement; // whoever moves on while it loads keeps their place
  const title = el('h2', { tabindex: '-1', 'data-text': `${section}Title` });
  const wait = el('p', { class: 'wait', 'data-text': 'loading' });
  const page = el('div', { class: 'page' }, wait);
  main.replaceChildren(title, page);
  document.querySelector('[role=status]').replaceChildren(); // it was about the section before
  try {
    const content = await sections[section]({ id: decodeURIComponent(rest.join('/')), who, other: chosen() !== '', signal, again: show });
    if (signal.aborted) return;
    page.replaceChildren(...content);
    if (![from, document.body].includes(document.activeElement)) return;
    title.focus({ preventScroll: true });
    scrollTo(0, 0);
  } catch (error) {
    if (!signal.aborted) wait.replaceWith(failure(error));
  }
}

document.addEventListener('signedout', ({ detail }) => {
  const draft = [...main.querySelectorAll('textarea')].some((area) => area.value !== area.defaultValue);
  if (draft && detail) signInOver(detail);
  else signedOut(detail);
});

function signedOut(why) {
  leaving.abort();
  who = null;
  nav.hidden = true;
  out.hidden = true;
  document.getElementById('who').replaceChildren();
  document.querySelector('dialog')?.remove();
  signIn(main, '', begin, why);
}

/** signInOver asks whoever writes something to sign in again without losing it. */
function signInOver(why) {
  if (document.querySelector('dialog.over')) return;
  const dialog = el('dialog', { class: 'over', 'data-label': 'signInTitle' });
  let signedIn = false;
  signIn(dialog, '', (now) => {
    signedIn = true;
    dialog.close();
    if (now.tenant !== who.tenant || now.role !== who.role) return begin(); // it is not theirs to go on
    return null;
  }, why);
  dialog.addEventListener('close', () => {
    dialog.remove();
    if (!signedIn) signedOut(why);
  });
  document.body.append(dialog);
  dialog.showModal();
}
out.addEventListener('click', async () => {
  try {
    await call('DELETE', 'v1/session');
  } catch (error) {
    if (error.status !== 401) main.prepend(failure(error)); // else it had ended before
    return;
  }
  history.replaceState(null, '', location.pathname);
  document.dispatchEvent(new CustomEvent('signedout', { detail: null }));
});
main.addEventListener('click', (event) => {
  const { tenant } = event.target.closest('a[data-tenant]')?.dataset ?? {};
  const select = document.querySelector('#who select');
  if (!tenant || !select) return;
  select.value = tenant; // the link leads to something of theirs
  look(tenant);
});
nav.addEventListener('click', (event) => {
  if (event.target.hash === location.hash) show(); // the section again, as it is now
});
addEventListener('hashchange', () => {
  const token = linked();
  if (token) signIn(main, token, begin);
  else show();
});
document.getElementById('language').addEventListener('click', switchLanguage);
showLanguage();
start();
