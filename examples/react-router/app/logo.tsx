// The Rolecall logo, the same as in ssr/templates/mark.html.

export function Logo() {
  return (
    <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <rect width="24" height="24" rx="6" />
      <path d="M5.5 8l1.5 1.5 2.5-3M5.5 15.5l1.5 1.5 2.5-3M13 8.5h6M13 16h6" />
    </svg>
  );
}
