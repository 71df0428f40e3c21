//! D1: whether it answers, and how much room is left.

use shared::metrics::table;

use crate::metrics::alert::{Alert, Severity, Value, case};
use crate::metrics::figures::{D1_QUERIES_MAX, d1_queries, database_days, database_share};
use crate::metrics::promql::gauge;

pub(super) fn alerts() -> Vec<Alert> {
    vec![down(), filling(), full(), reads()]
}

fn down() -> Alert {
    Alert {
        name: "RolecallD1Down",
        severity: Severity::Page,
        expr: gauge(&table::D1_UP).now().min().equals(0.0),
        minutes: 2,
        summary: "D1 does not answer the console",
        description: "The last scrapes got no answer from D1. Nothing is applied, and guards \
            answer 503 as role sets reach their greatest age. Metrics that are read from D1 are \
            absent until it is back.",
        value: Value::Number,
        board: "operators",
        cases: vec![
            case("it is down", 1, 10).input(&table::D1_UP, &[], "1x4 0x6").fires("0"),
            case("one scrape had no answer", 1, 10).input(&table::D1_UP, &[], "1x4 0 1x5"),
        ],
    }
}

fn filling() -> Alert {
    Alert {
        name: "RolecallD1Filling",
        severity: Severity::Ticket,
        expr: database_days("1d")
            .below(30.0)
            .and(gauge(&table::D1_SIZE).slope("1d").max().above(0.0))
            .and(database_share().above(0.5)),
        minutes: 60,
        summary: "The database is full in {value} days",
        description: "More than half of the database's room is used, and as it grew in the last \
            day it is full within 30 days. D1 refuses writes then.",
        value: Value::Number,
        board: "operators",
        cases: vec![
            case("it grows by 288 bytes a day, and 2880 are left", 5, 3_000)
                .input(&table::D1_SIZE, &[], "6000+1x600")
                .input(&table::D1_SIZE_LIMIT, &[], "9480x600")
                .fires("10"),
            case("it does not grow", 5, 3_000).input(&table::D1_SIZE, &[], "6000x600").input(
                &table::D1_SIZE_LIMIT,
                &[],
                "9480x600",
            ),
            case("a new database grows fast", 5, 3_000)
                .input(&table::D1_SIZE, &[], "0+1x600")
                .input(&table::D1_SIZE_LIMIT, &[], "2000x600"),
            case("there is room for 35 days", 5, 3_000)
                .input(&table::D1_SIZE, &[], "12000+1x600")
                .input(&table::D1_SIZE_LIMIT, &[], "22680x600"),
        ],
    }
}

fn full() -> Alert {
    Alert {
        name: "RolecallD1AlmostFull",
        severity: Severity::Page,
        expr: database_share().above(0.95),
        minutes: 15,
        summary: "{value} of the database's room is used",
        description: "At its limit D1 refuses every write: no change of a role is applied from \
            then on.",
        value: Value::Share,
        board: "operators",
        cases: vec![
            case("little is left", 1, 30)
                .input(&table::D1_SIZE, &[], "98x30")
                .input(&table::D1_SIZE_LIMIT, &[], "100x30")
                .fires("98%"),
            case("a tenth is left", 1, 30).input(&table::D1_SIZE, &[], "90x30").input(
                &table::D1_SIZE_LIMIT,
                &[],
                "100x30",
            ),
        ],
    }
}

fn reads() -> Alert {
    let queries = [("result", "ok"), ("worker", "durable")];
    Alert {
        name: "RolecallD1QueriesHigh",
        severity: Severity::Ticket,
        expr: d1_queries("10m").above(0.7 * D1_QUERIES_MAX),
        minutes: 15,
        summary: "D1 gets {value} queries a second",
        description: "One primary of D1 is full at about 1,000 queries a second of 1 ms each; each \
            statement of a batch is a query. As a rule these are reads of role caches in use, \
            each every ROLES_SOFT_MS. At the ceiling they fail, and guards answer 503.",
        value: Value::Number,
        board: "operators",
        cases: vec![
            case("there are 800 a second", 1, 60)
                .input(&table::D1_QUERIES, &queries, "0+48000x60")
                .fires("800"),
            case("there are 500 a second", 1, 60).input(&table::D1_QUERIES, &queries, "0+30000x60"),
        ],
    }
}
