// The tutorial's own way, as a developer writes it with Clerk's and Svix's packages: the session is
// verified with the PEM, the roles are read from D1 on every request, and the webhook is verified
// and written to D1 before the answer.

import type { WebhookEvent } from "@clerk/backend";
import { verifyToken } from "@clerk/backend";
import { Webhook } from "svix";

interface Env {
  DB: D1Database;
  CLERK_JWT_KEY: string;
  CLERK_WEBHOOK_SECRET: string;
  AUTHORIZED_PARTIES: string;
}

/** As in the tutorial. */
export async function requireRole(env: Env, userId: string, role: string): Promise<void> {
  const row = await env.DB.prepare(
    `select 1 from user_roles ur join roles r on r.id=ur.role_id where ur.user_id=? and r.name=?`,
  )
    .bind(userId, role)
    .first();
  if (!row) throw new Response("forbidden", { status: 403 });
}

async function check(request: Request, env: Env, role: string): Promise<Response> {
  const token = request.headers.get("authorization")?.replace("Bearer ", "") ?? "";
  const { sub } = await verifyToken(token, {
    jwtKey: env.CLERK_JWT_KEY,
    authorizedParties: env.AUTHORIZED_PARTIES.split(","),
  });
  await requireRole(env, sub, role);
  return Response.json({ allowed: true });
}

async function webhook(request: Request, env: Env): Promise<Response> {
  const body = await request.text();
  const headers = Object.fromEntries(request.headers);
  new Webhook(env.CLERK_WEBHOOK_SECRET).verify(body, headers);
  const event = JSON.parse(body) as WebhookEvent;
  if (event.type === "user.created" || event.type === "user.updated") {
    const { id, email_addresses: emails, primary_email_address_id: primary } = event.data;
    const email = emails.find((it) => it.id === primary)?.email_address ?? null;
    await env.DB.prepare(
      `insert into users (id, email) values (?, ?)
       on conflict (id) do update set email = excluded.email`,
    )
      .bind(id, email)
      .run();
    await env.DB.prepare(
      `insert into user_roles (user_id, role_id) select ?, id from roles where name = 'member'
       on conflict (user_id, role_id) do nothing`,
    )
      .bind(id)
      .run();
  }
  return new Response("ok");
}

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    try {
      if (pathname === "/webhooks/clerk") return await webhook(request, env);
      return await check(request, env, searchParams.get("role") ?? "");
    } catch (thrown) {
      if (thrown instanceof Response) return thrown;
      return new Response("unauthenticated", { status: 401 });
    }
  },
} satisfies ExportedHandler<Env>;
