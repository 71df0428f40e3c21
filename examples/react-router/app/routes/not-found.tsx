// The route for all other URLs. Without it, middleware would not run for the page for 404.

export function loader(): never {
  throw new Response(null, { status: 404 });
}

export default function NotFound() {
  return null;
}
