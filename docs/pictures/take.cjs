// Takes the pictures in this folder from the page of a running demo; README.md says how to call it.
'use strict';

const path = require('node:path');
const { chromium } = require('playwright-core');
const sharp = require('sharp');

const address = process.argv[2];
if (!address) {
  console.error('usage: node take.cjs http://127.0.0.1:8181');
  process.exit(2);
}
const file = (name) => path.join(__dirname, `${name}.png`);

const SIZE = { width: 1280, height: 800 };
// So high that neither a message nor a modal needs scrolling.
const HIGHER = { width: 1280, height: 1600 };

async function main() {
  const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
  // Root, as in containers, can't have Chromium's sandbox; the only page that it opens is the demo's.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath, args });
  try {
    const page = await browser.newPage({ viewport: SIZE, deviceScaleFactor: 2, timezoneId: 'UTC' });
    page.setDefaultTimeout(10_000);
    await page.goto(new URL('/?as=U0ALICE', address).href);
    // Its mark would be on the message.
    await page.getByRole('button', { name: 'End tour' }).click();
    await takeAll(page);
  } finally {
    await browser.close();
  }
}

async function takeAll(page) {
  const message = page.getByTestId('message').last();
  const button = (name) => message.getByRole('button', { name });
  if ((await page.getByTestId('message').count()) !== 1) {
    throw new Error('Something was asked here before: start the demo afresh.');
  }

  await page.setViewportSize(HIGHER);
  await button(/^Approve/).waitFor();
  await take(page, 'prompt', [message]);

  const menu = message.getByTestId('menu').filter({ visible: true });
  const open = async (name) => {
    await message.locator(`[data-action-id=${name}][data-testid=overflow]`).click();
    await menu.getByRole('menuitem').first().waitFor();
    // As it looks before one points at a choice.
    await page.evaluate(() => document.activeElement?.blur());
  };
  await open('approve_more');
  await take(page, 'menu', [message, menu]);
  await page.keyboard.press('Escape');
  await open('deny_more');
  await take(page, 'deny-menu', [message, menu]);
  await page.keyboard.press('Escape');

  await button(/^Details/).click();
  const modal = page.getByTestId('modal');
  await modal.waitFor();
  await page.evaluate(() => document.activeElement?.blur());
  await take(page, 'details', [modal], 28);
  await modal.getByTestId('modal-close').click();
  await modal.waitFor({ state: 'detached' });

  await open('deny_more');
  await menu.getByText('Deny with a reason…').click();
  await modal.waitFor();
  await page.evaluate(() => document.activeElement?.blur());
  await take(page, 'deny', [modal], 28);
  await modal.getByTestId('modal-close').click();
  await modal.waitFor({ state: 'detached' });

  await open('approve_more');
  await menu.getByText('Auto-approve for this conversation').click();
  await button(/^Turn off/).waitFor();
  // The agent runs the action, and reports what came of it.
  await message.getByText('the agent reports').waitFor();
  await take(page, 'decided', [message]);

  await page.setViewportSize(SIZE);
  // The agent goes on: in the conversation at once, in another one with a prompt.
  const ask = page.getByRole('button', { name: 'Ask', exact: true });
  await ask.click();
  await page.getByTestId('asked').filter({ hasText: 'auto-approved' }).waitFor();
  await page.getByRole('textbox', { name: 'Conversation' }).fill('c-2');
  await ask.click();
  await button(/^Approve/).waitFor();
  await page.getByRole('button', { name: 'Tour', exact: true }).click();
  await page.evaluate(() => document.activeElement?.blur());
  await take(page, 'page');
}

// Takes a picture of these elements with `margin` CSS pixels around them; without elements, of everything.
async function take(page, name, elements = [], margin = 0) {
  // Nothing is pointed at, nothing moves.
  await page.mouse.move(2, 2);
  await page.waitForTimeout(300);
  const boxes = await Promise.all(elements.map((element) => element.boundingBox()));
  const clip = boxes.length > 0 ? around(boxes, margin) : undefined;
  const picture = await page.screenshot({ clip, animations: 'disabled' });
  // 256 colours are plenty for letters, and a quarter of the bytes.
  await sharp(picture).png({ palette: true, dither: 0, effort: 10 }).toFile(file(name));
}

function around(boxes, margin) {
  const left = Math.min(...boxes.map((box) => box.x)) - margin;
  const top = Math.min(...boxes.map((box) => box.y)) - margin;
  const right = Math.max(...boxes.map((box) => box.x + box.width)) + margin;
  const bottom = Math.max(...boxes.map((box) => box.y + box.height)) + margin;
  return { x: left, y: top, width: right - left, height: bottom - top };
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
