// A new process of workerd with only one Worker, without Miniflare or Node in front of it.

import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

const WORKERD = createRequire(import.meta.url).resolve("workerd/bin/workerd");

/** The settings that ssr needs for its sign-in page. */
const VARS = {
  CLERK_FRONTEND_API_URL: "https://clerk.example.com",
  CLERK_ISSUER: "https://clerk.example.com",
  CLERK_JWKS_URL: "https://clerk.example.com/.well-known/jwks.json",
  AUTHORIZED_PARTIES: "https://app.example.com",
};

/**
 * Starts workerd, requests `path` as soon as it listens, and ends it.
 *
 * @returns {Promise<{listens: number, answers: number}>} milliseconds since the process was started
 */
export async function coldStart({ folder, main = "index.js", wasm = false, path: asked }) {
  const place = mkdtempSync(path.join(tmpdir(), "rolecall-cold-"));
  try {
    cpSync(path.join(folder, main), path.join(place, "index.js"));
    if (wasm) cpSync(path.join(folder, "index_bg.wasm"), path.join(place, "index_bg.wasm"));
    writeFileSync(path.join(place, "config.capnp"), config(wasm));
    return await once(place, asked);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function once(place, asked) {
  const args = ["serve", "--control-fd=3", "config.capnp"];
  const began = performance.now();
  const stdio = ["ignore", "ignore", "pipe", "pipe"];
  const program = spawn(WORKERD, args, { cwd: place, stdio });
  try {
    let said = "";
    program.stderr.on("data", (data) => (said += data));
    const port = await listening(program).catch((cause) => {
      throw new Error(`workerd did not start: ${said}`, { cause });
    });
    const listens = performance.now() - began;
    const status = await answer(port, asked);
    const answers = performance.now() - began;
    if (status !== 200) throw new Error(`workerd answered ${status}: ${said}`);
    return { listens, answers };
  } finally {
    program.kill("SIGKILL");
  }
}

async function listening(program) {
  for await (const line of createInterface({ input: program.stdio[3] })) {
    const { event, port } = JSON.parse(line);
    if (event === "listen") return port;
  }
  throw new Error("it ended");
}

function answer(port, asked) {
  return new Promise((done, failed) => {
    const request = get({ host: "127.0.0.1", port, path: asked, agent: false }, (response) => {
      response.resume().on("end", () => done(response.statusCode));
    });
    request.on("error", failed);
  });
}

function config(wasm) {
  const vars = Object.entries(VARS).map(([name, value]) => `(name = "${name}", text = "${value}")`);
  const modules = [
    `(name = "index.js", esModule = embed "index.js")`,
    ...(wasm ? [`(name = "index_bg.wasm", wasm = embed "index_bg.wasm")`] : []),
  ];
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [${modules.join(", ")}],
  compatibilityDate = "2026-04-01",
  bindings = [${vars.join(", ")}],
);
`;
}
