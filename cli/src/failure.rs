//! Why a command did not do what was asked, with the next step, and its exit code.

use std::process::ExitCode;

use shared::operators::api::ApiError;

/// What each exit code means, in `--help` and in `docs/cli.md`.
pub(crate) const EXITS: [(u8, &str); 6] = [
    (0, "done"),
    (1, "failed, or not as it should be: not found, parked again, a broken chain"),
    (2, "wrong usage: an argument, the configuration file, or `--yes` is missing"),
    (3, "no usable answer: offline, TLS, not a console, an old console, overloaded"),
    (4, "not allowed: no token, a wrong one, or one that may only look"),
    (5, "refused or stopped: the plan changed, a first letter was parked, paused, not confirmed"),
];

/// The kind of a failure: its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It was tried, and is not as it should be.
    Failed,
    /// The command is wrong as it was given.
    Usage,
    /// There was no usable answer.
    Unreachable,
    /// The console does not let this operator.
    NotAllowed,
    /// The console, or the operator, said no.
    Refused,
    /// The reader of the output has gone, so there is nobody to tell.
    Closed,
}

/// A failure that says what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Its kind.
    pub(crate) kind: Kind,
    /// For programs, and what people read.
    pub(crate) error: ApiError,
}

impl Failure {
    /// A failure. `code` is for programs, `message` says what is wrong and `next` what to do.
    pub(crate) fn new(
        kind: Kind,
        code: &str,
        message: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        let (message, next) = (message.into(), next.into());
        Self { kind, error: ApiError { error: code.into(), message, next } }
    }

    /// Wrong usage.
    pub(crate) fn usage(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Kind::Usage, "usage", message, next)
    }

    /// Whether the same request may be answered a moment later.
    pub(crate) fn may_pass(&self) -> bool {
        // Those of this program, then those of the console.
        const PASSING: [&str; 7] = [
            "offline",
            "timeout",
            "no-answer",
            "too-many",
            "database",
            "internal",
            "keys-unavailable",
        ];
        self.kind == Kind::Unreachable && PASSING.contains(&&*self.error.error)
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::Failed | Kind::Closed => 1,
            Kind::Usage => 2,
            Kind::Unreachable => 3,
            Kind::NotAllowed => 4,
            Kind::Refused => 5,
        })
    }
}
