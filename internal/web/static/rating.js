// What the customer thinks of an answer.

import { el } from './render.js';

const reasons = ['wrong', 'outdated', 'incomplete', 'unclear', 'unsafe', 'other'];

/** rating asks whether an answer helped, and what was wrong where it did not. send takes {rating, reason, comment} and fails as fetch does. */
export function rating(send) {
  const [up, down] = ['up', 'down'].map((name) => el('button', { type: 'button', 'aria-pressed': 'false', 'data-rating': name, 'data-text': `rated_${name}` }));
  const more = el('div', { class: 'more' });
  const box = el('section', { class: 'rating', role: 'group', 'data-label': 'helpful' }, el('span', { 'data-text': 'helpful' }), up, down, more);

  const rate = async (said) => {
    try {
      await send(said);
    } catch {
      more.querySelector('.notice')?.remove();
      more.append(el('p', { class: 'notice', 'data-text': 'notRated' }));
      return false;
    }
    for (const button of [up, down]) button.setAttribute('aria-pressed', String(button.dataset.rating === said.rating));
    return true;
  };
  const thank = () => more.replaceChildren(el('span', { 'data-text': 'thanks' }));

  up.addEventListener('click', async () => {
    if (await rate({ rating: 'up' })) thank();
  });
  down.addEventListener('click', async () => {
    if (!await rate({ rating: 'down' })) return;
    const form = complaint();
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const { reason, comment } = Object.fromEntries(new FormData(form));
      if (await rate({ rating: 'down', reason, comment })) {
        down.focus(); // what had the focus goes
        thank();
      }
    });
    more.replaceChildren(form);
    form.querySelector('input').focus();
  });
  return box;
}

/** complaint is the form that asks what was wrong. */
function complaint() {
  const choices = reasons.map((reason) => el('label', {},
    el('input', { type: 'radio', name: 'reason', value: reason, required: '' }), el('span', { 'data-text': `reason_${reason}` })));
  return el('form', { class: 'complaint' },
    el('fieldset', {}, el('legend', { 'data-text': 'whatWasWrong' }), ...choices),
    el('label', {}, el('span', { 'data-text': 'comment' }), el('textarea', { name: 'comment', rows: '2', maxlength: '1000' })),
    el('button', { 'data-text': 'sendRating' }));
}
