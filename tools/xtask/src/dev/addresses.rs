//! The ports and addresses of a run: they follow from the first port.

/// The Workers with an address, as offsets from the first port. The others have no public route.
pub(super) const PUBLIC: [(&str, u16); 3] =
    [("ssr", 0), ("ingest", 1), ("console", CONSOLE_OFFSET)];

/// The operators' console's offset from the first port.
const CONSOLE_OFFSET: u16 = 2;

/// The local Clerk's offset from the first port.
pub(super) const CLERK_OFFSET: u16 = 3;

/// The example app's offset from the first port, the last one.
const EXAMPLE_OFFSET: u16 = 4;

/// The offset of Prometheus from the first port. The ports between are for what comes.
const PROMETHEUS_OFFSET: u16 = 9;

/// The addresses of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    pub(super) first: u16,
}

impl Addresses {
    /// The port of a Worker, if it has one.
    pub(crate) fn port_of(self, env: &str) -> Option<u16> {
        PUBLIC.iter().find(|(name, _)| *name == env).map(|(_, step)| self.first + step)
    }

    /// The address at this offset.
    pub(super) fn at(self, step: u16) -> String {
        url(self.first + step)
    }

    /// The application's address.
    pub(crate) fn app(self) -> String {
        url(self.first)
    }

    /// The example app's port.
    pub(crate) fn example_port(self) -> u16 {
        self.first + EXAMPLE_OFFSET
    }

    /// The example app's address.
    pub(crate) fn example(self) -> String {
        url(self.example_port())
    }

    /// The authorized parties of both apps: a browser sends its cookies to every port of a host.
    pub(crate) fn parties(self) -> String {
        let local = format!("http://localhost:{}", self.first);
        [self.app(), local, self.example()].join(",")
    }

    /// The address of the webhook receiver.
    pub(crate) fn webhook(self) -> String {
        format!("{}/webhooks/clerk", url(self.first + 1))
    }

    /// The address of the operators' console.
    pub(crate) fn console(self) -> String {
        url(self.first + CONSOLE_OFFSET)
    }

    /// The port of Prometheus.
    pub(crate) fn prometheus_port(self) -> u16 {
        self.first + PROMETHEUS_OFFSET
    }

    /// The address of Prometheus.
    pub(crate) fn prometheus(self) -> String {
        url(self.prometheus_port())
    }

    /// The local Clerk's port.
    pub(crate) fn clerk_port(self) -> u16 {
        self.first + CLERK_OFFSET
    }

    /// The local Clerk's address.
    pub(crate) fn clerk(self) -> String {
        url(self.clerk_port())
    }
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
