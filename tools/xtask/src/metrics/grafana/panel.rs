//! A panel, and how each form of it is drawn.

use serde_json::{Value, json};

use crate::metrics::board::{Form, Panel, Query, Shown};
use crate::metrics::links::anchor;

/// The data source that was chosen.
pub(super) fn source() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

/// A panel at its place.
pub(super) fn json(panel: &Panel, id: usize, place: &Value) -> Value {
    let kind = match panel.form {
        Form::Stat | Form::Labels => "stat",
        Form::Lines | Form::Stack => "timeseries",
        Form::Bars => "bargauge",
        Form::Heatmap => "heatmap",
    };
    json!({
        "id": id,
        "type": kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": source(),
        "gridPos": place,
        "links": panel_links(panel),
        "targets": targets(panel),
        "fieldConfig": { "defaults": defaults(panel), "overrides": [] },
        "options": options(panel.form),
        "transparent": false,
    })
}

fn panel_links(panel: &Panel) -> Vec<Value> {
    let link =
        |title: &str, url: String| json!({ "title": title, "url": url, "targetBlank": true });
    let mut links = vec![link("Console", format!("${{console}}{}", panel.page))];
    links.extend(panel.alert.map(|alert| {
        let url = format!("${{runbook}}#{}", anchor(alert));
        link("Runbook", url)
    }));
    links
}

fn targets(panel: &Panel) -> Vec<Value> {
    let is_instant = matches!(panel.form, Form::Stat | Form::Labels | Form::Bars);
    let format = if panel.form == Form::Heatmap { "heatmap" } else { "time_series" };
    let letters = ('A'..='Z').map(String::from);
    let target = |(query, id): (&Query, String)| {
        json!({
            "refId": id, "datasource": source(), "expr": query.expr.in_dashboard(),
            "legendFormat": query.legend, "editorMode": "code", "format": format,
            "instant": is_instant, "range": !is_instant,
        })
    };
    panel.queries.iter().zip(letters).map(target).collect()
}

fn defaults(panel: &Panel) -> Value {
    let mut defaults = json!({
        "unit": unit(panel.unit),
        "thresholds": { "mode": "absolute", "steps": steps(panel.bounds) },
        "color": { "mode": color(panel) },
        "mappings": [],
        "custom": custom(panel.form),
    });
    if let Value::Object(defaults) = &mut defaults {
        // What shrinks to nothing is drawn down to zero. A share has its own end.
        defaults.insert("min".to_owned(), json!(0));
        if panel.unit == Shown::UpOrDown {
            let map = json!([{
                "type": "value",
                "options": {
                    "0": { "text": "down", "index": 0 },
                    "1": { "text": "up", "index": 1 },
                },
            }]);
            defaults.insert("mappings".to_owned(), map);
        }
    }
    defaults
}

fn unit(unit: Shown) -> &'static str {
    match unit {
        Shown::Count => "short",
        Shown::PerSecond => "cps",
        Shown::Seconds => "s",
        Shown::Share => "percentunit",
        Shown::Bytes => "bytes",
        Shown::UpOrDown => "none",
    }
}

fn color(panel: &Panel) -> &'static str {
    let is_number = matches!(panel.form, Form::Stat | Form::Bars | Form::Labels);
    if is_number { "thresholds" } else { "palette-classic" }
}

/// The colours from the lowest value on.
fn steps(bounds: Option<(f64, f64)>) -> Value {
    let step = |color: &str, value: Option<f64>| json!({ "color": color, "value": value });
    match bounds {
        None => json!([step("green", None)]),
        Some((yellow, red)) if yellow <= red => {
            json!([step("green", None), step("yellow", Some(yellow)), step("red", Some(red))])
        }
        Some((yellow, red)) => {
            json!([step("red", None), step("yellow", Some(red)), step("green", Some(yellow))])
        }
    }
}

fn custom(form: Form) -> Value {
    match form {
        Form::Lines => json!({ "drawStyle": "line", "lineWidth": 1, "fillOpacity": 10,
            "showPoints": "never", "spanNulls": false }),
        Form::Stack => json!({ "drawStyle": "line", "lineWidth": 1, "fillOpacity": 40,
            "showPoints": "never", "spanNulls": false,
            "stacking": { "mode": "normal", "group": "A" } }),
        Form::Stat | Form::Bars | Form::Labels | Form::Heatmap => json!({}),
    }
}

fn options(form: Form) -> Value {
    let last = json!({ "calcs": ["lastNotNull"], "fields": "", "values": false });
    let stat = |color: &str, text: &str| {
        json!({ "reduceOptions": last, "colorMode": color, "textMode": text, "graphMode": "none",
            "justifyMode": "auto", "orientation": "auto", "wideLayout": true,
            "showPercentChange": false, "percentChangeColorMode": "standard" })
    };
    match form {
        Form::Stat => stat("value", "auto"),
        Form::Labels => stat("none", "name"),
        Form::Lines | Form::Stack => json!({
            "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true,
                "calcs": [] },
            "tooltip": { "mode": "multi", "sort": "desc" } }),
        Form::Bars => json!({ "reduceOptions": last, "displayMode": "gradient",
            "orientation": "horizontal", "showUnfilled": true, "valueMode": "color",
            "minVizHeight": 10, "minVizWidth": 0 }),
        Form::Heatmap => json!({ "calculate": false, "yAxis": { "unit": "s" },
            "color": { "mode": "scheme", "scheme": "Blues", "steps": 64 },
            "cellGap": 1, "tooltip": { "mode": "single", "showColorScale": true } }),
    }
}
