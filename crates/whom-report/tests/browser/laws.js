// What must hold on a page, as functions that run in it: each gives the faults that it finds.
"use strict";

// Nothing is wider than the page, nothing leaves its box, no two labels of a picture lie on each other.
function geometry() {
  const faults = [];
  const width = document.documentElement.clientWidth;
  const isSeen = (element) => element.getClientRects().length > 0;
  const inside = (inner, outer, slack) => inner.left >= outer.left - slack && inner.right <= outer.right + slack
    && inner.top >= outer.top - slack && inner.bottom <= outer.bottom + slack;
  const shown = (rect) => [rect.left, rect.top, rect.right, rect.bottom].map(Math.round).join(" ");
  if (document.documentElement.scrollWidth > width + 1) faults.push(`the page is ${document.documentElement.scrollWidth} wide`);

  for (const svg of document.querySelectorAll("svg")) {
    if (!isSeen(svg)) continue;
    const frame = svg.getBoundingClientRect();
    const labels = Array.from(svg.querySelectorAll("text")).map((text) => ({ text, rect: text.getBoundingClientRect() }));
    for (const { text, rect } of labels) {
      if (!inside(rect, frame, 1.5)) faults.push(`“${text.textContent}” at ${shown(rect)} leaves its picture ${shown(frame)}`);
      const box = text.closest("g.box");
      const room = box && box.querySelector("rect").getBoundingClientRect();
      if (room && !inside(rect, room, 1)) faults.push(`“${text.textContent}” at ${shown(rect)} leaves its box ${shown(room)}`);
    }
    labels.sort((one, other) => one.rect.top - other.rect.top);
    for (let first = 0; first < labels.length; first += 1) {
      for (let second = first + 1; second < labels.length; second += 1) {
        const [one, other] = [labels[first].rect, labels[second].rect];
        if (other.top >= one.bottom) break;
        const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        // The box of a line of text is higher than its letters.
        if (across > 1 && down > 0.45 * Math.min(one.height, other.height)) {
          faults.push(`“${labels[first].text.textContent}” lies on “${labels[second].text.textContent}”`);
        }
      }
    }
  }

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest("svg, script, .skip") || !isSeen(parent)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const cell = parent.closest("td, th, .mark, .advice, pre");
    const scrolls = parent.closest(".scroll");
    for (const rect of range.getClientRects()) {
      if (rect.width === 0) continue;
      if (!scrolls && (rect.left < -1 || rect.right > width + 1)) faults.push(`“${node.data.trim().slice(0, 60)}” leaves the page`);
      if (cell && !inside(rect, cell.getBoundingClientRect(), 2)) faults.push(`“${node.data.trim().slice(0, 60)}” leaves its cell`);
    }
  }
  return faults;
}

// Every text has a contrast of 4.5 to 1 with what is behind it (WCAG 2.2, success criterion 1.4.3).
function contrast() {
  const parsed = (colour) => {
    const numbers = (colour.match(/[\d.]+/g) || []).map(Number);
    return numbers.length < 3 ? null : { rgb: numbers.slice(0, 3), alpha: numbers.length > 3 ? numbers[3] : 1 };
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (element) => {
    for (let place = element; place; place = place.parentElement) {
      const colour = parsed(getComputedStyle(place).backgroundColor);
      if (colour && colour.alpha > 0.99) return colour.rgb;
    }
    return [255, 255, 255];
  };
  // In a picture, the last area before the text that holds its centre.
  const area = (text, rect) => {
    const [x, y] = [(rect.left + rect.right) / 2, (rect.top + rect.bottom) / 2];
    let found = null;
    for (const shape of text.ownerSVGElement.querySelectorAll("rect")) {
      if (!(shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING)) break;
      const box = shape.getBoundingClientRect();
      const fill = parsed(getComputedStyle(shape).fill);
      if (fill && x >= box.left && x <= box.right && y >= box.top && y <= box.bottom) found = fill.rgb;
    }
    return found || ground(text.ownerSVGElement);
  };
  const faults = new Map();
  const judge = (what, front, back) => {
    const found = ratio(front, back);
    if (found < 4.5) faults.set(`${front} on ${back}`, `“${what.trim().slice(0, 40)}”: ${front} on ${back} is ${found.toFixed(2)}`);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest("svg, script") || parent.getClientRects().length === 0) continue;
    const front = parsed(getComputedStyle(parent).color);
    if (front) judge(node.data, front.rgb, ground(parent));
  }
  for (const text of document.querySelectorAll("svg text")) {
    if (text.getClientRects().length === 0) continue;
    const front = parsed(getComputedStyle(text).fill);
    if (front) judge(text.textContent, front.rgb, area(text, text.getBoundingClientRect()));
  }
  return Array.from(faults.values());
}

// Nothing on the page acts but its one script.
function strangers() {
  const faults = [];
  if (document.scripts.length !== 1) faults.push(`${document.scripts.length} scripts`);
  if (window.hacked !== undefined) faults.push("a label was executed");
  for (const element of document.querySelectorAll("*")) {
    for (const attribute of element.attributes) {
      if (/^on/i.test(attribute.name)) faults.push(`<${element.tagName} ${attribute.name}>`);
      if (/^(href|src|action|xlink:href)$/i.test(attribute.name) && !attribute.value.startsWith("#")) faults.push(`${attribute.name}="${attribute.value}"`);
    }
    if (/^(iframe|object|embed|img|image|link|base|form|use)$/i.test(element.tagName)) faults.push(`<${element.tagName}>`);
  }
  return faults;
}

// Each heading sorts its column, up and down, within each group of rows, and loses no row.
function sorting() {
  const faults = [];
  const number = (text) => parseFloat(text.replace(/\u2212/g, "-").replace(/,/g, "").replace(/^</, ""));
  const tables = Array.from(document.querySelectorAll("table")).slice(0, 12);
  if (!tables.some((table) => table.querySelector("th button"))) faults.push("no heading sorts");
  for (const table of tables) {
    Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
      const button = head.querySelector("button");
      if (!button) return;
      for (const sign of [1, -1]) {
        const before = table.querySelectorAll("tr").length;
        button.click();
        if (table.querySelectorAll("tr").length !== before) faults.push(`${table.caption.textContent}: rows are lost`);
        for (const body of table.tBodies) {
          const texts = Array.from(body.rows).filter((row) => row.className !== "group").map((row) => row.cells[column].textContent.trim());
          const isNumber = head.className === "number";
          const keys = isNumber ? texts.map(number).filter((key) => !Number.isNaN(key)) : texts.map((text) => text.toLowerCase());
          const isSorted = keys.every((key, index) => index === 0 || (sign > 0 ? keys[index - 1] <= key : keys[index - 1] >= key));
          if (!isSorted) faults.push(`${table.caption.textContent}, ${head.textContent}: ${keys.slice(0, 6)}`);
        }
      }
    });
  }
  return faults;
}

module.exports = { geometry, contrast, strangers, sorting };
