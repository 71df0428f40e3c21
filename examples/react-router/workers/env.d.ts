// The Worker's bindings, from wrangler.toml and `wrangler secret put`.

declare namespace Cloudflare {
  interface Env {
    ROLES: DurableObjectNamespace;
    CLERK_PUBLISHABLE_KEY: string;
    CLERK_SECRET_KEY: string;
    CLERK_JWT_KEY: string;
    CLERK_PROXY_URL: string;
    AUTHORIZED_PARTIES: string;
    SIGN_IN_URL: string;
    SIGN_OUT_URL: string;
  }
}
