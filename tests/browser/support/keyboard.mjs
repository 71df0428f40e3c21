// Keyboard access: Tab reaches every control, and the focus is visible.

import assert from "node:assert/strict";

/** All controls: Tab must reach each of them that is shown. */
const USABLE =
  "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";

/** The least contrast of an outline with its background: WCAG 2.2, 1.4.11. */
const CONTRAST_MIN = 3;

/** The least width of an outline in CSS pixels: WCAG 2.2, 2.4.13. */
const WIDTH_MIN = 2;

/** Tabs through a page that was just loaded. The first stop is the skip link. */
export async function walkByKeyboard(page, { hasSkipLink }) {
  await page.keyboard.press("Tab");
  if (hasSkipLink) {
    const first = await focused(page);
    assert.deepEqual([first.text, first.isInView], ["Skip to the content", true]);
    await page.keyboard.press("Enter");
    assert.equal((await focused(page)).id, "content", "the link moves the focus to the content");
    await page.locator(".skip").focus();
  }
  const count = await page.evaluate((usable) => {
    return [...document.querySelectorAll(usable)].filter((it) => it.checkVisibility()).length;
  }, USABLE);
  const reached = new Set();
  for (let left = count; 0 < left; left -= 1) {
    const { text, index, isInView, outline } = await focused(page);
    reached.add(index);
    assert.ok(isInView, `${text} is in view`);
    assert.ok(WIDTH_MIN <= outline.width, `${text} has an outline`);
    assert.ok(CONTRAST_MIN <= contrast(outline.color, outline.behind), `${text}'s is seen`);
    await page.keyboard.press("Tab");
  }
  assert.deepEqual([...reached], Array.from({ length: count }, (_, at) => at), "all, in order");
}

/** Returns the focused element. */
function focused(page) {
  return page.evaluate((usable) => {
    const it = document.activeElement;
    const { left, top, right, bottom, width, height } = it.getBoundingClientRect();
    // Of a region that is higher than the window a part is in view.
    const [first, last] = height <= innerHeight ? [top, bottom] : [bottom, top];
    const { outlineColor, outlineStyle, outlineWidth } = getComputedStyle(it);
    const isFilled = (element) => getComputedStyle(element).backgroundColor !== "rgba(0, 0, 0, 0)";
    let behind = it.parentElement ?? it;
    while (!isFilled(behind) && behind.parentElement) behind = behind.parentElement;
    return {
      id: it.id,
      text: it.innerText || it.name,
      index: [...document.querySelectorAll(usable)]
        .filter((one) => one.checkVisibility())
        .indexOf(it),
      isInView: 0 < width && 0 <= left && 0 <= first && right <= innerWidth && last <= innerHeight,
      outline: {
        width: outlineStyle === "none" ? 0 : Number.parseFloat(outlineWidth),
        color: outlineColor,
        behind: getComputedStyle(behind).backgroundColor,
      },
    };
  }, USABLE);
}

/** Computes WCAG's contrast ratio of two CSS colours. */
function contrast(one, other) {
  const [dark, light] = [one, other].map(luminance).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color) {
  const [red, green, blue] = color.match(/[\d.]+/g).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
