// The console of /docs: builds the call that a form describes, sends it when Send is pressed, and shows the answer. The
// API key stays in its field: it is neither stored nor written into an address.
'use strict';

const key = document.getElementById('key');
const fields = (form, place) => [...form.querySelectorAll(`[data-in="${place}"]`)].filter((field) => field.value !== '');

function call(form) {
  let path = form.dataset.path;
  for (const field of form.querySelectorAll('[data-in="path"]')) {
    path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
  }
  const url = new URL(path, location.origin);
  fields(form, 'query').forEach((field) => url.searchParams.append(field.name, field.value));
  const headers = fields(form, 'header').map((field) => [field.name, field.value]);
  const body = form.querySelector('[data-in="body"]')?.value;
  if (body !== undefined) headers.push(['Content-Type', form.dataset.type]);
  return { method: form.dataset.method, url, headers, body, needsKey: form.dataset.key !== undefined };
}

const quoted = (word) => `'${word.replaceAll("'", `'\\''`)}'`;

function curl({ method, url, headers, body, needsKey }) {
  const lines = [`curl -sS${method === 'GET' ? '' : ` -X ${method}`} ${quoted(url.href)}`];
  if (needsKey) lines.push('-H "Authorization: Bearer $COUNTERSIGN_API_KEY"');
  headers.forEach(([name, value]) => lines.push(`-H ${quoted(`${name}: ${value}`)}`));
  if (body !== undefined) lines.push(`-d ${quoted(body)}`);
  return lines.join(' \\\n  ');
}

const at = (form, name) => form.querySelector(`[data-show="${name}"]`);
const update = (form) => { at(form, 'curl').textContent = curl(call(form)); };

async function send(form) {
  if (form.dataset.busy) return;
  const { method, url, headers, body, needsKey } = call(form);
  if (needsKey && key.value !== '') headers.push(['Authorization', `Bearer ${key.value.trim()}`]);
  const stop = new AbortController();
  at(form, 'stop').onclick = () => stop.abort();
  // Send is not disabled, which would take the focus away.
  const busy = (is) => {
    form.dataset.busy = is ? 'yes' : '';
    at(form, 'send').setAttribute('aria-disabled', is);
    at(form, 'stop').hidden = !is;
  };
  const show = (status, words = '', text = '', bad = false) => {
    at(form, 'answer').hidden = false;
    at(form, 'status').textContent = status;
    at(form, 'status').classList.toggle('bad', bad);
    at(form, 'headers').textContent = words;
    at(form, 'body').textContent = text;
  };
  busy(true);
  show('Waiting for the answer …');
  let text = '';
  try {
    const options = { method, headers, body, signal: stop.signal, cache: 'no-store', credentials: 'omit', redirect: 'error' };
    const response = await fetch(url, options);
    const lines = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
    const status = `${response.status} ${response.statusText}`;
    show(status, lines, '', !response.ok);
    // Events come one by one, so what has arrived is shown.
    const decoder = new TextDecoder();
    for (let reader = response.body?.getReader(); reader;) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
      at(form, 'body').textContent = text;
    }
    if (/json$/.test(response.headers.get('content-type')?.split(';')[0] ?? '')) text = JSON.stringify(JSON.parse(text), null, 2);
    show(status, lines, text || '(no body)', !response.ok);
  } catch (error) {
    if (error.name !== 'AbortError') show(`Could not send: ${error.message}`, '', text, true);
    else show('Stopped', at(form, 'headers').textContent, text);
  } finally {
    busy(false);
  }
}

for (const form of document.querySelectorAll('.try form')) {
  form.addEventListener('input', (event) => {
    if (event.target.matches('[data-examples]')) form.querySelector('[data-in="body"]').value = event.target.value;
    update(form);
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send(form);
  });
  update(form);
}
