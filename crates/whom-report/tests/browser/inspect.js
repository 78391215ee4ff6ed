// Looks at pages in a browser and prints the faults it finds, as JSON: [{ page, view, law, detail }].
//
//     node inspect.js NODE_MODULES CHROMIUM PAGE.html ...
"use strict";

const path = require("node:path");

const [modules, executablePath, ...pages] = process.argv.slice(2);
const { chromium } = require(path.join(modules, "playwright-core"));
const { geometry, contrast, strangers, sorting } = require("./laws.js");

const VIEWS = [
  { name: "phone", width: 360, colorScheme: "light", media: "screen" },
  { name: "phone, dark", width: 360, colorScheme: "dark", media: "screen" },
  { name: "laptop", width: 1280, colorScheme: "light", media: "screen" },
  { name: "laptop, dark", width: 1280, colorScheme: "dark", media: "screen" },
  { name: "paper", width: 690, colorScheme: "light", media: "print" },
];
const MOST = 12;

async function main() {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const faults = [];
  for (const file of pages) {
    const texts = [];
    for (const view of VIEWS) {
      const found = [];
      const tell = (law, details) => {
        for (const detail of details.slice(0, MOST)) found.push({ page: path.basename(file), view: view.name, law, detail });
      };
      const page = await opened(browser, file, view, tell, true);
      tell("inert", await page.evaluate(strangers));
      if (view.media === "screen") await page.evaluate(() => document.querySelectorAll("details").forEach((fold) => { fold.open = true; }));
      tell("layout", await page.evaluate(geometry));
      tell("contrast", await page.evaluate(contrast));
      if (view.name === "laptop") {
        tell("sorting", await page.evaluate(sorting));
        tell("keyboard", await keyboard(page));
      }
      if (view.name === "laptop") texts.push(await readable(page));
      await page.close();
      faults.push(...found);
    }
    const silent = await opened(browser, file, VIEWS[2], () => {}, false);
    texts.push(await readable(silent));
    if (texts[0] !== texts[1]) faults.push({ page: path.basename(file), view: "without script", law: "readable", detail: "other words" });
    await silent.close();
  }
  await browser.close();
  process.stdout.write(JSON.stringify(faults));
}

async function opened(browser, file, view, tell, javaScriptEnabled) {
  const context = await browser.newContext({ viewport: { width: view.width, height: 900 }, colorScheme: view.colorScheme, javaScriptEnabled });
  const page = await context.newPage();
  page.on("console", (message) => tell("console", [message.text()]));
  page.on("pageerror", (error) => tell("console", [error.message]));
  page.on("dialog", (dialog) => { tell("inert", ["a dialog: " + dialog.message()]); dialog.dismiss(); });
  page.on("request", (request) => { if (request.url() !== "file://" + file) tell("requests", [request.url()]); });
  await page.emulateMedia({ media: view.media, colorScheme: view.colorScheme });
  await page.goto("file://" + file);
  return page;
}

// The words in the order of the source, whatever a script sorted or folded.
async function readable(page) {
  const text = await page.locator("main").evaluate((main) => main.textContent);
  return Array.from(text.replace(/\s+/g, "")).sort().join("");
}

// Tab reaches links, folds, regions and buttons, each of them seen to be focused; a heading sorts by Enter.
async function keyboard(page) {
  const faults = [];
  await page.evaluate(() => { document.querySelectorAll("details").forEach((fold) => { fold.open = false; }); window.scrollTo(0, 0); });
  const reached = new Set();
  for (let step = 0; step < 40; step += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      const name = element.className === "scroll" ? "region" : element.tagName.toLowerCase();
      return { name, text: element.textContent.slice(0, 40), seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
    });
    if (focused.name === "body") break;
    reached.add(focused.name);
    if (!focused.seen) faults.push(`focus is not seen on ${focused.name} “${focused.text}”`);
  }
  for (const name of ["a", "summary", "region", "button"]) {
    if (!reached.has(name)) faults.push(`Tab does not reach any ${name}`);
  }
  const button = page.locator("th button").first();
  if ((await button.count()) === 0) return faults.concat("no heading sorts");
  await button.focus();
  for (const order of ["ascending", "descending"]) {
    await page.keyboard.press("Enter");
    const told = await button.evaluate((element) => element.parentElement.getAttribute("aria-sort"));
    if (told !== order) faults.push(`Enter sorts ${told}, not ${order}`);
  }
  return faults;
}

main().catch((error) => { console.error(error); process.exit(1); });
