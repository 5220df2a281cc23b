// The page's small manners. Everything that decides anything happens on the server; without this file the page
// still shows the right things, it is only less polite.
'use strict';

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// A page that one leaves may be kept for going back, and its connection with it. A browser has only six for one
// server, so it is closed, and a page that comes back is drawn anew.
const sources = [];
htmx.createEventSource = (url) => {
  const source = new EventSource(url);
  sources.push(source);
  return source;
};
addEventListener('pagehide', () => sources.forEach((source) => source.close()));
addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });

// Parts of the page carry a hash of what they show. A part that would be replaced by itself is left alone, so that
// open menus and what one is typing survive a reconnection.
document.addEventListener('htmx:oobBeforeSwap', (event) => {
  const { target, fragment } = event.detail;
  const fresh = fragment.firstElementChild;
  if (fresh?.id === target.id && fresh.dataset.hash !== undefined && fresh.dataset.hash === target.dataset.hash) {
    event.detail.shouldSwap = false;
  }
  // A dialog that is closed, and not just taken away, gives the focus back to where it was.
  if (target.matches('.dialog-slot')) target.querySelector('dialog[open]')?.close();
  const pane = target.closest('.scroll[data-follow]');
  pane?.toggleAttribute('data-at-end', isAtEnd(pane));
});

document.addEventListener('htmx:oobAfterSwap', () => {
  openModals();
  all('.scroll[data-at-end]').forEach(toEnd);
  pointOut();
});

// Conversations stay at their end unless one has scrolled away.
const isAtEnd = (pane) => pane.scrollHeight - pane.scrollTop - pane.clientHeight < 80;
const toEnd = (pane) => { pane.scrollTop = pane.scrollHeight; };

// Modals are <dialog>s that the server adds and removes. Escape closes the topmost, as its close button does.
function openModals() {
  all('dialog[data-modal]:not([open])').forEach((dialog) => {
    // htmx would do it a moment later, and a quick Escape would be lost.
    htmx.process(dialog);
    dialog.showModal();
    (dialog.querySelector('[autofocus]') || dialog.querySelector('.field-text') || dialog).focus();
    dialog.addEventListener('cancel', (event) => {
      if (event.target !== dialog) return;
      event.preventDefault();
      dialog.querySelector('[data-close]')?.click();
    });
  });
}

// hx-confirm holds the id of a dialog with the app's own words.
document.addEventListener('htmx:confirm', (event) => {
  const question = event.detail.question;
  const dialog = question?.startsWith('#') && document.getElementById(question.slice(1));
  if (!dialog) return;
  event.preventDefault();
  dialog.onclick = (click) => {
    const answer = click.target.closest('[data-answer]')?.dataset.answer;
    if (!answer) return;
    dialog.close();
    if (answer === 'yes') event.detail.issueRequest(true);
  };
  dialog.showModal();
});

document.addEventListener('click', (event) => {
  const link = event.target.closest('button[data-url]');
  if (link) window.open(link.dataset.url, '_blank', 'noopener,noreferrer');
  const tour = event.target.closest('[data-tour]');
  if (tour) turnTour(tour.dataset.tour);
});

// The tour's step, or -1 once it was ended, is kept for as long as the tab is open.
const steps = all('.tour-step');
const step = () => Number(sessionStorage.getItem('tour') ?? 0);

function turnTour(how) {
  const next = { open: 0, back: step() - 1, next: step() + 1, close: -1 }[how];
  sessionStorage.setItem('tour', Math.min(next, steps.length - 1));
  const ended = all('.scroll[data-follow]').filter(isAtEnd);
  showTour();
  ended.forEach(toEnd);
  if (how === 'open') document.querySelector('[data-tour="next"]').focus();
  if (how === 'close') document.querySelector('[data-tour="open"]').focus();
}

function showTour() {
  const tour = document.getElementById('tour');
  if (!tour) return;
  tour.hidden = step() < 0;
  steps.forEach((one, index) => { one.hidden = index !== step(); });
  tour.querySelector('[data-tour="back"]').disabled = step() === 0;
  tour.querySelector('[data-tour="next"]').hidden = step() === steps.length - 1;
  pointOut();
}

// Marks the last element that the step is about, also after it was replaced.
function pointOut() {
  const selector = steps[step()]?.dataset.at;
  const at = selector && all(selector).at(-1);
  all('.tour-here').filter((one) => one !== at).forEach((one) => one.classList.remove('tour-here'));
  at?.classList.add('tour-here');
}

// Where the window is narrow, what stands beside the conversation lies over it; it leaves once its work is done.
const closeBeside = () => all('.beside:popover-open').forEach((one) => one.hidePopover());
addEventListener('resize', closeBeside);

// Menus open below what opens them, or above where there is no room; arrow keys move in them.
document.addEventListener('toggle', (event) => {
  const menu = event.target;
  if (!menu.matches?.('.menu') || event.newState !== 'open') return;
  const opener = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`).getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const below = opener.bottom + 4 + height <= innerHeight;
  menu.style.top = `${Math.max(4, below ? opener.bottom + 4 : opener.top - height - 4)}px`;
  menu.style.left = `${Math.max(4, Math.min(opener.left, innerWidth - width - 12))}px`;
  menu.querySelector('[role^="menuitem"]')?.focus();
}, true);

document.addEventListener('keydown', (event) => {
  const menu = event.target.closest?.('.menu');
  if (menu && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
    event.preventDefault();
    const items = all('[role^="menuitem"]', menu);
    const step = event.key === 'ArrowDown' ? 1 : -1;
    items[(items.indexOf(event.target) + step + items.length) % items.length].focus();
  }
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  if (event.target.matches('.composer-text')) {
    event.preventDefault();
    event.target.form.requestSubmit();
  } else if (event.target.matches('[hx-trigger="enter"]') && !event.target.matches('textarea')) {
    event.preventDefault();
    htmx.trigger(event.target, 'enter');
  }
});

// The form around a message's blocks only gathers fields; the elements in it post by themselves.
document.addEventListener('submit', (event) => {
  if (!event.target.hasAttribute('hx-post')) event.preventDefault();
});

document.addEventListener('htmx:afterRequest', (event) => {
  const { elt, successful, xhr } = event.detail;
  if (successful && elt.matches('[data-resets]')) elt.reset();
  if (successful && elt.matches('[hx-post^="/ask"]')) closeBeside();
  if (!successful) say(xhr?.responseText || 'The local Slack did not answer.');
  else if (xhr.getResponseHeader('X-Notice')) say(decodeURIComponent(xhr.getResponseHeader('X-Notice')));
});

let silence;
function say(words) {
  const toast = document.getElementById('toast');
  toast.textContent = words;
  toast.showPopover?.();
  clearTimeout(silence);
  silence = setTimeout(() => { toast.textContent = ''; toast.hidePopover?.(); }, 8000);
}

openModals();
showTour();
all('.scroll[data-follow]').forEach(toEnd);
document.querySelector('.message:target')?.scrollIntoView({ block: 'center' });
