//! Dashboards as JSON, in the form that Grafana 10 and newer import.

mod panel;

use serde_json::{Value, json};

use self::panel::source;
use super::board::{Board, Form, Panel, Row};
use super::links::{Links, uid};

/// The schema of Grafana 10.3 to 11; newer ones migrate it when they load it.
const SCHEMA_VERSION: u32 = 39;

/// Grafana's grid has 24 columns.
const COLUMNS: usize = 24;

const STAT_HEIGHT: usize = 4;
const CHART_HEIGHT: usize = 8;

/// The text of a dashboard's file.
pub(crate) fn dashboard(board: &Board, links: &Links) -> String {
    let value = json!({
        "uid": uid(board.name),
        "title": board.title,
        "description": board.description,
        "tags": ["rolecall"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": true,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": { "from": "now-24h", "to": "now" },
        "timezone": "browser",
        "links": board_links(),
        "templating": { "list": variables(links) },
        "annotations": { "list": [] },
        "panels": panels(board),
    });
    format!("{value:#}\n")
}

fn board_links() -> Value {
    let link = |title: &str, url: &str, tooltip: &str| {
        json!({
            "title": title, "type": "link", "url": url, "tooltip": tooltip, "icon": "external link",
            "tags": [], "asDropdown": false, "includeVars": false, "keepTime": false,
            "targetBlank": true,
        })
    };
    let boards = json!({
        "title": "Rolecall", "type": "dashboards", "tags": ["rolecall"], "url": "", "icon": "",
        "tooltip": "The other dashboards", "asDropdown": true, "includeVars": true,
        "keepTime": true, "targetBlank": false,
    });
    json!([
        boards,
        link("Console", "${console}", "Dead letters, replays, explanations"),
        link("Runbook", "${runbook}", "What to do about each alert"),
    ])
}

fn variables(links: &Links) -> Value {
    let job = "label_values(rolecall_build_info, job)";
    json!([
        {
            "name": "datasource", "type": "datasource", "label": "Data source",
            "query": "prometheus", "regex": "", "refresh": 1, "hide": 0, "multi": false,
            "includeAll": false, "options": [], "skipUrlSync": false,
        },
        {
            "name": "job", "type": "query", "label": "Job",
            "description": "The job of Prometheus that scrapes the console",
            "datasource": source(),
            "query": { "query": job, "refId": "job" }, "regex": "", "refresh": 2, "sort": 1,
            "hide": 0, "multi": false, "includeAll": false, "options": [],
            "skipUrlSync": false,
        },
        {
            "name": "console", "type": "textbox", "label": "Console",
            "description": "The address of your console, for the links",
            "query": links.console, "hide": 0, "skipUrlSync": false,
            "current": { "text": links.console, "value": links.console },
            "options": [{ "text": links.console, "value": links.console, "selected": true }],
        },
        {
            "name": "runbook", "type": "constant", "label": "Runbook",
            "description": "The address of docs/runbook.md, for the links",
            "query": links.runbook, "hide": 2, "skipUrlSync": true,
            "current": { "text": links.runbook, "value": links.runbook },
            "options": [],
        },
    ])
}

/// All panels, row below row.
fn panels(board: &Board) -> Vec<Value> {
    let mut layout = Layout::default();
    for row in &board.rows {
        layout.add(row);
    }
    layout.panels
}

/// Panels with their place: the numbers of a row side by side, then the charts by twos.
#[derive(Default)]
struct Layout {
    y: usize,
    panels: Vec<Value>,
}

impl Layout {
    fn add(&mut self, row: &Row) {
        self.panels.push(json!({
            "id": self.next_id(), "type": "row", "title": row.title, "collapsed": false,
            "panels": [], "gridPos": place(0, self.y, COLUMNS, 1),
        }));
        self.y += 1;
        let (stats, charts): (Vec<&Panel>, Vec<&Panel>) =
            row.panels.iter().partition(|panel| panel.form == Form::Stat);
        stats.chunks(6).for_each(|line| self.add_line(line, STAT_HEIGHT));
        charts.chunks(2).for_each(|line| self.add_line(line, CHART_HEIGHT));
    }

    fn add_line(&mut self, line: &[&Panel], height: usize) {
        let width = COLUMNS / line.len();
        for (index, panel) in line.iter().enumerate() {
            let place = place(index * width, self.y, width, height);
            self.panels.push(panel::json(panel, self.next_id(), &place));
        }
        self.y += height;
    }

    fn next_id(&self) -> usize {
        self.panels.len() + 1
    }
}

fn place(x: usize, y: usize, w: usize, h: usize) -> Value {
    json!({ "x": x, "y": y, "w": w, "h": h })
}
