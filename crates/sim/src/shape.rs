//! Shapes of plans: a strategy, a number of services, and how the deployment goes. Each service is of another sort, so
//! that a plan of five has every sort of step. Not here: what is done to them (`node`).

use std::{collections::BTreeMap, fmt, fmt::Write};

use shipway_core::{id::ServiceName, phase::Phase};

use crate::{
    machine::Behaviour,
    scenario::{ENVIRONMENT, PROJECT, Scenario},
};

/// How traffic moves.
pub const STRATEGIES: [(&str, &str); 4] = [
    ("blue-green", "\"blue-green\""),
    ("canary", "{ kind = \"canary\", steps = \"20% 300ms, 60% 300ms, 100%\" }"),
    ("rolling", "{ kind = \"rolling\", batch = 1, max_surge = 1, max_unavailable = 0 }"),
    ("recreate", "{ kind = \"recreate\", hold_ms_max = 5000 }"),
];
/// Services at most.
pub const SERVICES_MAX: usize = 5;

/// How a deployment goes when nothing is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Course {
    /// It completes.
    Succeeds,
    /// The last member's new release never gets healthy.
    NeverHealthy,
    /// The last member's new release fails its verification.
    FailsVerification,
    /// It is cancelled when all traffic has moved.
    Cancelled,
    /// It puts data back, and completes.
    PutsDataBack,
    /// It puts data back, and is cancelled when that is done.
    PutsDataBackCancelled,
    /// Running instances read another configuration, and it completes.
    Reloads,
    /// They do, and it is cancelled when all are of the new release.
    ReloadsCancelled,
}

impl Course {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Succeeds,
        Self::NeverHealthy,
        Self::FailsVerification,
        Self::Cancelled,
        Self::PutsDataBack,
        Self::PutsDataBackCancelled,
        Self::Reloads,
        Self::ReloadsCancelled,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Succeeds => "succeeds",
            Self::NeverHealthy => "never-healthy",
            Self::FailsVerification => "fails-verification",
            Self::Cancelled => "cancelled",
            Self::PutsDataBack => "puts-data-back",
            Self::PutsDataBackCancelled => "puts-data-back-cancelled",
            Self::Reloads => "reloads",
            Self::ReloadsCancelled => "reloads-cancelled",
        }
    }

    /// Whether somebody cancels it.
    pub fn is_cancelled(self) -> bool {
        matches!(self, Self::Cancelled | Self::PutsDataBackCancelled | Self::ReloadsCancelled)
    }

    /// How it may end. Batch by batch, users have met what never gets healthy.
    pub fn may_end(self, end: Phase) -> bool {
        match self {
            Self::Succeeds | Self::PutsDataBack | Self::Reloads => end == Phase::Completed,
            Self::NeverHealthy => matches!(end, Phase::Failed | Phase::RolledBack),
            Self::FailsVerification => end == Phase::RolledBack,
            Self::Cancelled | Self::PutsDataBackCancelled | Self::ReloadsCancelled => end == Phase::Cancelled,
        }
    }

    /// Whether running instances read another configuration.
    pub fn reloads(self) -> bool {
        matches!(self, Self::Reloads | Self::ReloadsCancelled)
    }

    /// Whether it puts data back instead of deploying.
    pub fn puts_data_back(self) -> bool {
        matches!(self, Self::PutsDataBack | Self::PutsDataBackCancelled)
    }
}

/// A shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    /// The place of its strategy.
    pub strategy: usize,
    /// How many services.
    pub services: usize,
    /// How it goes.
    pub course: Course,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, _) = STRATEGIES[self.strategy];
        write!(f, "{name}/{}/{}", self.services, self.course.name())
    }
}

impl Shape {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for strategy in 0..STRATEGIES.len() {
            for services in 1..=SERVICES_MAX {
                all.extend(Course::ALL.map(|course| Self { strategy, services, course }));
            }
        }
        // Data is put back in a gap whatever the strategy, and only the first service has any.
        all.retain(|shape| !shape.course.puts_data_back() || (shape.strategy == 0 && shape.services <= 2));
        // Instances are reloaded whatever the strategy: the second service's one, or those of the fifth too.
        all.retain(|shape| !shape.course.reloads() || (shape.strategy == 0 && matches!(shape.services, 2 | 5)));
        all
    }

    /// The services whose instances are reloaded where that is the course.
    pub fn reloaded(&self) -> Vec<ServiceName> {
        let asking = (0..self.services).filter(|number| SORTS[*number].lines.contains("reload = "));
        asking.map(|number| ServiceName::from(format!("s{number}").as_str())).collect()
    }

    /// Whether the old stops before the new starts.
    pub fn has_gap(&self) -> bool {
        STRATEGIES[self.strategy].0 == "recreate"
    }

    /// Whether it goes batch by batch.
    pub fn rolls(&self) -> bool {
        STRATEGIES[self.strategy].0 == "rolling"
    }

    /// The project.
    pub fn scenario(&self) -> Scenario {
        let services: Vec<_> = (0..self.services).map(|number| format!("s{number}")).collect();
        let mut text = format!("[project]\nname = \"{PROJECT}\"\n\n");
        for number in 0..self.services {
            self.service(&mut text, number);
        }
        if self.services > 1 {
            for phase in ["test", "verify"] {
                let name = format!("together-{phase}");
                let lines =
                    format!("name = \"{name}\"\nphase = \"{phase}\"\nfrom = \"s1\"\nhttp = \"/interact-{phase}\"");
                let _ = writeln!(text, "[[interactions]]\n{lines}\n");
            }
        }
        let _ = writeln!(text, "[environments.{ENVIRONMENT}]\ntype = \"production\"");
        Scenario { services, text, puts_data_back: false, reloads: false, rollbacks_max: None }
    }

    fn service(&self, text: &mut String, number: usize) {
        let (_, strategy) = STRATEGIES[self.strategy];
        let sort = &SORTS[number];
        let _ = writeln!(text, "[services.s{number}]\nstrategy = {strategy}\n{}", sort.lines);
        let _ = writeln!(text, "routes = [{{ host = \"s{number}.test\", path = \"/\" }}]\ndeadline_s = 120");
        let _ = writeln!(text, "warm_for = \"{}ms\"", sort.warm_ms);
        let _ = writeln!(text, "success = {{ error_rate_max = 0.2, min_requests = 0 }}");
        let _ = writeln!(text, "timeouts = {TIMEOUTS}\nstop = {{ grace_s = 1 }}\n");
        for when in sort.hooks {
            let _ =
                writeln!(text, "[[services.s{number}.hooks]]\nwhen = \"{when}\"\ncommand = [\"hook\", \"{when}\"]\n");
        }
        for phase in sort.checks {
            let check = format!("name = \"{phase}\"\nphase = \"{phase}\"\nhttp = \"/{phase}\"");
            let _ = writeln!(text, "[[services.s{number}.checks]]\n{check}\n");
        }
        if !sort.is_site {
            let _ = writeln!(text, "[services.s{number}.health.startup]\nhttp = \"/health\"\n");
        }
    }

    /// What new releases do.
    pub fn behaviours(&self) -> BTreeMap<ServiceName, Behaviour> {
        let last = SORTS[..self.services].iter().rposition(|sort| !sort.is_site);
        let well = Behaviour { listen_ms: 10, healthy_ms: 20, ..Behaviour::default() };
        let of = |number| match self.course {
            Course::NeverHealthy if Some(number) == last => Behaviour { never_healthy: true, ..well },
            Course::FailsVerification if Some(number) == last => Behaviour { fails_verify: true, ..well },
            _ => well,
        };
        (0..self.services).map(|number| (ServiceName::from(format!("s{number}").as_str()), of(number))).collect()
    }

    /// What the releases before them do.
    pub fn before(&self) -> BTreeMap<ServiceName, Behaviour> {
        Self { course: Course::Succeeds, ..*self }.behaviours()
    }
}

const TIMEOUTS: &str = "{ start_s = 2, check_s = 2, hook_s = 5, drain_s = 1, migrate_s = 5, rollback_s = 60 }";

/// A sort of service.
struct Sort {
    is_site: bool,
    warm_ms: u64,
    lines: &'static str,
    hooks: &'static [&'static str],
    checks: &'static [&'static str],
}

/// The services of a shape, in their order.
const SORTS: [Sort; SERVICES_MAX] = [
    Sort {
        is_site: false,
        warm_ms: 0,
        lines: "kind = \"process\"\nrun = [\"bin/run\"]\ninstances = 2\nbake = \"300ms\"\ndata = [\"db\"]\n\
                migrate = { command = [\"migrate\"], kind = \"expand\", snapshot = true }",
        hooks: &["before-test", "after-completion", "on-rollback"],
        checks: &["test", "verify"],
    },
    Sort {
        is_site: false,
        warm_ms: 0,
        lines: "kind = \"process\"\nrun = [\"bin/run\"]\ninstances = 1\ndepends_on = [\"s0\"]\n\
                reload = { signal = \"HUP\" }",
        hooks: &["before-promotion", "on-rollback"],
        checks: &["verify"],
    },
    Sort { is_site: true, warm_ms: 0, lines: "kind = \"static\"", hooks: &[], checks: &["test", "verify"] },
    Sort {
        is_site: false,
        warm_ms: 400,
        lines: "kind = \"process\"\nrun = [\"bin/run\"]\ninstances = 1\ndepends_on = [\"s1\", \"s2\"]",
        hooks: &[],
        checks: &["test", "verify"],
    },
    Sort {
        is_site: false,
        warm_ms: 0,
        lines: "kind = \"process\"\nrun = [\"bin/run\"]\ninstances = 3\nreload = { http = \"/reload\" }",
        hooks: &["after-completion"],
        checks: &["verify"],
    },
];
