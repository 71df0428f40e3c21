// Every address that no other route has: the root's page for 404, with the session that it shows.

export function loader(): never {
  throw new Response(null, { status: 404 });
}

export default function NotFound() {
  return null;
}
