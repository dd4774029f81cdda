// Signing in, by a link that was opened or by a key.

import { el } from '../chat/render.js';
import { post } from './api.js';
import { button, failure, field, form } from './parts.js';

const fragment = '#link=';

/** linked is the token of the link that led here; it leaves the address bar and the history at once. */
export function linked() {
  if (!location.hash.startsWith(fragment)) return '';
  const token = location.hash.slice(fragment.length);
  history.replaceState(null, '', location.pathname);
  return token;
}

/**
 * signIn shows in place how to sign in, and calls done with who did; why is the
 * problem that ended a session, if one did.
 */
export function signIn(place, token, done, why = null) {
  const enter = async (body) => {
    await done(await post('v1/sessions', body));
  };
  const key = el('input', { name: 'key', type: 'password', required: '', autocomplete: 'off', spellcheck: 'false' });
  const byKey = form({ class: 'card-box' }, ({ key }) => enter({ key: key.trim() }),
    field('key', key), el('div', { class: 'row' }, el('button', { class: 'send', 'data-text': 'signIn' })),
    el('p', { class: 'hint' }, el('span', { 'data-text': 'noKey' }), ' ', el('code', {}, 'kefu console link')));
  place.replaceChildren(el('h2', { tabindex: '-1', 'data-text': 'signInTitle' }), ...(why?.code === 'session_ended' ? [failure(why)] : []));
  if (!token) {
    place.append(byKey);
    key.focus();
    return;
  }
  // The token is used when somebody presses the button, so that a program that
  // looks at links leaves it as it is.
  const go = button('signIn', async () => {
    try {
      await enter({ link: token });
    } catch (error) {
      byLink.replaceWith(failure(error), byKey);
      key.focus();
    }
  }, { class: 'send' });
  const byLink = el('div', { class: 'card-box', 'data-notices': '' }, el('p', { 'data-text': 'linkOnce' }), el('div', { class: 'row' }, go));
  place.append(byLink);
  go.focus();
}
