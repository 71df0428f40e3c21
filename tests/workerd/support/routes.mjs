// The routes of `ssr`, in one place: add a new page or API route here, and the tests cover it.

/**
 * The guarded pages. `needs` is what a user needs to see the page: "session" is any session, the
 * others are roles. The path takes an organization id.
 */
const PAGES = [
  { path: () => "/dashboard", needs: "session" },
  { path: () => "/admin", needs: "app admin" },
  { path: (org) => `/orgs/${org}`, needs: "organization member" },
  { path: (org) => `/orgs/${org}/settings`, needs: "organization admin" },
];

/** The API routes, with a query that is valid for them. */
const API = [
  { path: () => "/api/me", needs: "session" },
  { path: () => "/api/check?role=member", needs: "app member" },
];

/** The routes that need no session. */
export const PUBLIC_ROUTES = ["/", "/sign-in", "/healthz"];

/** The paths of the guarded pages, for one organization. */
export const guardedPages = (org) => PAGES.map(({ path }) => path(org));

/** The paths of the API routes. */
export const apiRoutes = () => API.map(({ path }) => path());

/** The paths of the API routes without a query. */
export const apiPaths = () => apiRoutes().map((path) => path.split("?", 1)[0]);

/** The paths of the guarded pages that need a role, for one organization. */
export const pagesWithRole = (org) =>
  PAGES.filter(({ needs }) => needs !== "session").map(({ path }) => path(org));

/** All paths that need a session, for one organization. */
export const guardedRoutes = (org) => [...guardedPages(org), ...apiRoutes()];

/**
 * The status of each guarded route for a user, in the order of `guardedRoutes`.
 *
 * @param {readonly string[]} has what the user has, in the words of `needs`.
 */
export const statusesFor = (has) =>
  [...PAGES, ...API].map(({ needs }) => (has.includes(needs) ? 200 : 403));
