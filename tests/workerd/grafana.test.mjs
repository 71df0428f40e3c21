// The dashboards in Grafana's own types. `@grafana/schema` has them for what Grafana 11 imports; a
// misspelled option, which Grafana ignores without a word, is an error to the compiler.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";

import ts from "typescript";

import { ROOT } from "./support/system.mjs";

const FOLDER = path.join(ROOT, "dashboards");

const CONFIG = (kind, file) =>
  `@grafana/schema/dist/esm/raw/composable/${kind}/panelcfg/x/${file}PanelCfg_types.gen.d.ts`;

/** The types of what is in each file. JSON has the values of an enum, not its names. */
const TYPES = `
import type * as raw from "@grafana/schema/dist/esm/raw/dashboard/x/dashboard_types.gen.d.ts";
import type { GraphFieldConfig, DataQuery } from "@grafana/schema";
import type { Options as Stat } from "${CONFIG("stat", "Stat")}";
import type { Options as Lines } from "${CONFIG("timeseries", "TimeSeries")}";
import type { Options as Bars } from "${CONFIG("bargauge", "BarGauge")}";
import type { Options as Heat } from "${CONFIG("heatmap", "Heatmap")}";

type Json<T> = unknown extends T ? T
  : T extends string ? \`\${T}\`
  : T extends number | boolean | null | undefined ? T
  : { [K in keyof T]: Json<T[K]> };
interface Query extends DataQuery {
  expr: string; legendFormat: string; editorMode: "code"; format: "time_series" | "heatmap";
  instant: boolean; range: boolean; datasource: { type: "prometheus"; uid: string };
}
type Of<Type, Options, Custom> = Omit<raw.Panel,
  "type" | "options" | "fieldConfig" | "targets" | "description" | "title" | "links"> & {
  // A link of a panel has less than one of a dashboard, whose type the schema gives it.
  links: Pick<raw.DashboardLink, "title" | "url" | "targetBlank">[]; type: Type; options: Options; targets: Query[]; title: string; description: string;
  fieldConfig: { overrides: []; defaults: Omit<raw.FieldConfig, "custom"> & {
    custom: Custom; unit: string; } };
};
type None = Record<string, never>;
type Panel = Of<"stat", Stat, None> | Of<"timeseries", Lines, GraphFieldConfig>
  | Of<"bargauge", Partial<Bars>, None> | Of<"heatmap", Partial<Heat>, None>
  | (raw.RowPanel & { type: "row" });
type Board = Json<Omit<raw.Dashboard, "panels"> & { panels: Panel[] }>;
`;

/** Returns what the compiler says of each dashboard, in one run: it first reads all types. */
function faults(boards) {
  const folder = path.join(ROOT, "tests/workerd");
  const texts = new Map(Object.entries(boards).map(([name, json]) =>
    [path.join(folder, `${name}.ts`), `${TYPES}\nexport const board: Board = ${json};`]));
  const options = {
    strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => texts.has(name) || fileExists(name);
  host.getSourceFile = (name, ...how) => texts.has(name)
    ? ts.createSourceFile(name, texts.get(name), how[0])
    : getSourceFile(name, ...how);
  const program = ts.createProgram([...texts.keys()], options, host);
  assert.deepEqual(program.getGlobalDiagnostics(), []);
  const said = (file) => ts.getPreEmitDiagnostics(program, program.getSourceFile(file))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
  return Object.fromEntries([...texts.keys()].map((file) => [path.basename(file, ".ts"), said(file)]));
}

const read = (name) => readFileSync(path.join(FOLDER, name), "utf8");

describe("the dashboards", () => {
  const names = readdirSync(FOLDER);
  assert.deepEqual(names.sort(), ["guard.json", "operators.json", "overview.json", "pipeline.json"]);

  it("they have only what Grafana knows", () => {
    const said = faults(Object.fromEntries(names.map((name) => [name, read(name)])));
    for (const name of names) assert.deepEqual(said[name], [], name);
  });

  for (const name of names) {
    it(`${name} lays out its panels without gaps and overlaps`, () => {
      const { panels } = JSON.parse(read(name));
      const taken = new Set();
      for (const { title, gridPos: { x, y, w, h } } of panels) {
        assert.ok(0 < w && 0 < h && x + w <= 24, title);
        for (let place = 0; place < w * h; place += 1) {
          const at = `${x + (place % w)},${y + Math.floor(place / w)}`;
          assert.ok(!taken.has(at), `${title} is drawn over another at ${at}`);
          taken.add(at);
        }
      }
      assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    });
  }

  it("a misspelled option, a wrong value and a lacking query are found", () => {
    const changed = (change) => {
      const board = JSON.parse(read("guard.json"));
      change(board.panels.find(({ type }) => type === "timeseries"), board);
      return JSON.stringify(board);
    };
    const said = faults({
      right: changed(() => {}),
      option: changed(({ options }) => { options.legends = options.legend; }),
      value: changed(({ options }) => { options.tooltip.mode = "some"; }),
      custom: changed(({ fieldConfig }) => { fieldConfig.defaults.custom.fillOpacty = 3; }),
      lacking: changed(({ targets }) => { delete targets[0].expr; }),
      variable: changed((_, board) => { board.templating.list[0].hide = 7; }),
    });
    for (const [name, found] of Object.entries(said)) {
      assert.equal(found.length === 0, name === "right", `${name}: ${found.join("\n")}`);
    }
  });
});
