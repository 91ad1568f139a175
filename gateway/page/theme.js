// theme.js: applies the chosen theme before the first pixel is drawn. Without a choice the system's counts.
// SPDX-License-Identifier: Apache-2.0
try {
  const chosen = localStorage.getItem('ddgate.theme');
  if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is switched off: the system's theme counts.
}
